"""MusicXML read back, with the standard library alone and with music21: which notes are in it."""

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from xml.etree import ElementTree

from musicgen.listening.notation.barring import bars_of
from musicgen.piece import Piece

STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
Found = Counter  # of (onset, pitch, duration) in quarter notes from the begin of the page; of drums "drum", and no duration


def notes_of(piece: Piece) -> Found:
    """The notes of a piece as its score has them."""
    start, grid = bars_of(piece)[0].start, piece.steps_per_quarter
    return Counter(
        (Fraction(note.onset - start, grid), "drum" if part.is_drum else note.pitch, None if part.is_drum else Fraction(note.duration, grid))
        for part in piece.parts
        for note in part.notes
    )


def joined(notes: Iterable[tuple[Fraction, int, Fraction, str, bool, bool]]) -> Found:
    """Notes without their ties: each is onset, pitch, duration, voice, and whether it is tied from and tied on."""
    found, held = Counter(), {}
    for onset, pitch, duration, voice, is_tied_from, is_tied_on in sorted(notes):
        begin = held.pop((voice, pitch, onset)) if is_tied_from else onset
        if is_tied_on:
            assert (voice, pitch, onset + duration) not in held
            held[voice, pitch, onset + duration] = begin
        else:
            found[begin, pitch, onset + duration - begin] += 1
    assert not held
    return found


def notes_in(musicxml: bytes) -> Found:
    """The notes in a file, read by the standard library; measures must be full, and all parts equally long."""
    found: Found = Counter()
    lengths = set()
    for part in ElementTree.fromstring(musicxml).iter("part"):
        notes, begin, divisions = [], Fraction(0), 1
        for measure in part.iter("measure"):
            divisions = int(measure.findtext("attributes/divisions") or divisions)
            place = furthest = onset = Fraction(0)
            for element in measure:
                length = Fraction(int(element.findtext("duration") or 0), divisions)
                if element.tag == "backup":
                    assert place == furthest
                    place -= length
                    continue
                if element.tag not in ("note", "forward"):
                    continue
                is_chord = element.find("chord") is not None
                onset = onset if is_chord else place
                place = onset + length
                furthest = max(furthest, place)
                ties = {tie.get("type") for tie in element.iter("tie")}
                if element.find("unpitched") is not None:
                    found[begin + onset, "drum", None] += "stop" not in ties
                elif (pitch := element.find("pitch")) is not None:
                    number = 12 * (int(pitch.findtext("octave")) + 1) + STEPS[pitch.findtext("step")] + int(pitch.findtext("alter") or 0)
                    notes.append((begin + onset, number, length, element.findtext("voice"), "stop" in ties, "start" in ties))
            begin += furthest
        lengths.add(begin)
        found += joined(notes)
    assert len(lengths) == 1
    return found


def notes_by_music21(musicxml: bytes) -> Found:
    """The notes in a file, as music21 understands it."""
    from music21 import converter

    found: Found = Counter()
    for part in converter.parse(musicxml.decode(), format="musicxml", forceSource=True).parts:
        notes = []
        for element in part.flatten().notes:
            onset, length = (Fraction(number).limit_denominator(10_000) for number in (element.offset, element.duration.quarterLength))
            for note in element.notes if element.isChord or "PercussionChord" in element.classes else [element]:
                kind = note.tie.type if note.tie else None
                if hasattr(note, "pitch"):
                    notes.append((onset, note.pitch.midi, length, "", kind in ("stop", "continue"), kind in ("start", "continue")))
                else:
                    found[onset, "drum", None] += kind not in ("stop", "continue")
        found += joined(notes)
    return found
