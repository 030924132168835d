"""What is written as text at the beginning of a MIDI file: its text events (meta events of type 1) at time 0, in all of its tracks."""

from musicgen.reading.guard import SYSTEM_DATA_BYTES, check_midi_header, midi_tracks, variable_length

META, TEXT = 0xFF, 0x01
SYSTEM_EXCLUSIVE = (0xF0, 0xF7)


def read_texts(content: bytes, longest: int = 4_000_000) -> list[str]:
    """The texts of at most `longest` bytes in the bytes of a MIDI file; those after a damaged event are not found. Raises UnreadableFileError."""
    check_midi_header(content)
    texts: list[str] = []
    for track in midi_tracks(content):
        try:
            texts += _texts_at_the_beginning(track, longest)
        except IndexError:
            continue
    return texts


def _texts_at_the_beginning(track: memoryview, longest: int) -> list[str]:
    """Raises IndexError where the track is cut off within an event."""
    texts: list[str] = []
    at = running = 0
    while at < len(track):
        delta, at = variable_length(track, at)
        if delta:
            break
        status = track[at]
        at += status >= 0x80
        status = status if status >= 0x80 else running
        if status == META or status in SYSTEM_EXCLUSIVE:
            kind, at = (track[at], at + 1) if status == META else (None, at)
            length, at = variable_length(track, at)
            if at + length > len(track):
                break
            if kind == TEXT and length <= longest:
                texts.append(bytes(track[at : at + length]).decode("utf-8", "replace"))
            at += length
        elif status < 0xF0:
            running = status
            at += 1 if status & 0xF0 in (0xC0, 0xD0) else 2
        else:
            at += SYSTEM_DATA_BYTES.get(status, 0)
    return texts
