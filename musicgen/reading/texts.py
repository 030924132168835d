"""What is written as text at the beginning of a MIDI file: its text events (meta events of type 1) at time 0, in all of its tracks."""

from itertools import takewhile

from musicgen.reading.chunks import songs_in
from musicgen.reading.events import META, TEXT, events
from musicgen.reading.guard import Limits
from musicgen.reading.reasons import UnreadableFileError


def read_texts(content: bytes, longest: int = 4_000_000) -> list[str]:
    """The texts of at most `longest` bytes in the bytes of a MIDI file; those after a damaged event are not found. Raises UnreadableFileError."""
    return [text for song in songs_in(content, Limits()) for track in song.tracks for text in _texts_at_the_beginning(track, longest)]


def _texts_at_the_beginning(track: bytes, longest: int) -> list[str]:
    texts: list[str] = []
    try:
        for event in takewhile(lambda event: not event.tick, events(track)):
            if event.status == META and event.kind == TEXT and len(event.data) <= longest:
                texts.append(event.data.decode("utf-8", "replace"))
    except UnreadableFileError:
        return texts
    return texts
