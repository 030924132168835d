"""MIDI file -> Piece, with symusic, behind the guard.

Conventions: every onset and every end moves to the nearest step of the grid (whole-number arithmetic on ticks), a note lasts at
least one step, and what cannot be played is left out: notes that never end, parts without notes, meters that no whole number of
steps fills.
"""

from itertools import groupby
from pathlib import Path

import numpy as np
import symusic

from musicgen.piece import (
    DEFAULT_TEMPO,
    STEPS_PER_QUARTER,
    Key,
    Meter,
    Note,
    Part,
    Piece,
    Tempo,
    canonical_tempo,
    enharmonic_fifths,
    without_overlaps,
)
from musicgen.reading.guard import Limits, check_midi_header, check_midi_times, read_bytes
from musicgen.reading.readings import Reading
from musicgen.reading.reasons import Reason, UnreadableFileError


def read_midi_file(path: Path, steps_per_quarter: int = STEPS_PER_QUARTER, limits: Limits = Limits()) -> Piece:
    """The piece in a file, titled by the file's name. Raises UnreadableFileError."""
    return read_midi(read_bytes(path, limits), steps_per_quarter, limits, title=path.stem)


def read_midi(content: bytes, steps_per_quarter: int = STEPS_PER_QUARTER, limits: Limits = Limits(), title: str = "") -> Piece:
    """The piece in the bytes of a MIDI file. Raises UnreadableFileError."""
    return read_midi_song(content, steps_per_quarter, limits, title).piece


def read_midi_song(content: bytes, steps_per_quarter: int = STEPS_PER_QUARTER, limits: Limits = Limits(), title: str = "") -> Reading:
    """The piece in the bytes of a MIDI file, and how it was read. Raises UnreadableFileError."""
    check_midi_header(content)
    try:
        # symusic reads the few bytes that an event at the very end lacks from beyond it: let there be zeros
        score = symusic.Score.from_midi(content + bytes(8), sanitize_data=True)
    except (RuntimeError, ValueError, UnicodeDecodeError) as error:
        reason = str(error).removeprefix("MiniMidi: ").removesuffix(": iostream error")
        raise UnreadableFileError(f"a damaged MIDI file ({reason})") from None
    ticks_per_quarter = score.ticks_per_quarter
    limits.check("tracks", len(score.tracks))
    limits.check("notes", score.note_num())
    limits.check("changes", len(score.tempos) + len(score.time_signatures) + len(score.key_signatures))
    if not score.note_num():
        raise UnreadableFileError("no notes in it", Reason.NO_NOTES)
    check_midi_times(content)

    def steps(ticks: np.ndarray) -> np.ndarray:
        return (2 * ticks.astype(np.int64) * steps_per_quarter + ticks_per_quarter) // (2 * ticks_per_quarter)

    parts = []
    for track in score.tracks:
        if notes := _notes(track, steps, ticks_per_quarter, limits):
            parts.append(Part(_name(track.name), track.program, track.is_drum, notes))
    last = max(note.onset for part in parts for note in part.notes)
    shift, meters = _meters(score, steps, steps_per_quarter, last)
    if shift:
        parts = [Part(p.name, p.program, p.is_drum, tuple(n._replace(onset=n.onset + shift) for n in p.notes)) for p in parts]
    last += shift
    tempos = [Tempo(0, DEFAULT_TEMPO)]
    for tempo in score.tempos:
        if tempo.mspq > 0:
            tempos.append(Tempo(_moved(tempo.time, steps, shift), canonical_tempo(60e6 / tempo.mspq)))
    keys = [Key(_moved(key.time, steps, shift), enharmonic_fifths(key.key), key.tonality == 1) for key in score.key_signatures if abs(key.key) <= 7]
    return Reading(Piece(tuple(parts), meters, _rising(tempos, last), _rising(keys, last), steps_per_quarter, title), "MIDI")


def _name(written: str) -> str:
    """A name that can be shown: control characters, which could steer a terminal, are blanks, and several blanks are one."""
    return " ".join("".join(character if character.isprintable() else " " for character in written).split())


def _notes(track, steps, ticks_per_quarter: int, limits: Limits) -> tuple[Note, ...]:
    arrays = track.notes.numpy()
    begin, length = arrays["time"].astype(np.int64), arrays["duration"].astype(np.int64)
    if not len(begin):
        return ()
    if begin.min() < 0 or length.min() < 0:
        raise UnreadableFileError("times that overflow (a note before the beginning)")
    limits.check("quarters", -(-int((begin + length).max()) // ticks_per_quarter))
    limits.check("note_quarters", -(-int(length.max()) // ticks_per_quarter))
    onset = steps(begin)
    duration = np.maximum(steps(begin + length) - onset, 1)
    pitch, velocity = np.clip(arrays["pitch"], 0, 127), np.clip(arrays["velocity"], 0, 127) // 4
    return without_overlaps(map(Note, onset.tolist(), pitch.tolist(), duration.tolist(), velocity.tolist()))


def _meters(score, steps, steps_per_quarter: int, last: int) -> tuple[int, tuple[Meter, ...]]:
    """The meters, and how far all music moves to make an upbeat, written as a short bar of its own, the end of a full one."""
    meters = [Meter(0, 4, 4)]
    for meter in score.time_signatures:
        denominator = meter.denominator
        if meter.numerator > 0 and 0 < denominator <= 64 and not denominator & (denominator - 1):
            read = Meter(_moved(meter.time, steps, 0), meter.numerator, denominator)
            if read.bar_steps(steps_per_quarter):
                meters.append(read)
    rising = _rising(meters, last)
    if len(rising) > 1:
        bar, following = rising[0].bar_steps(steps_per_quarter), rising[1].bar_steps(steps_per_quarter)
        if rising[1].onset == bar < following:
            shift = following - bar
            moved = (meter._replace(onset=meter.onset + shift) for meter in rising[2:])
            return shift, (rising[1]._replace(onset=0), *moved)
    return 0, rising


def _moved(tick: int, steps, shift: int) -> int:
    """The step of a change; what stood at the beginning stays there."""
    step = max(0, int(steps(np.array([tick]))[0]))
    return step + shift if step else 0


def _rising(changes: list, last: int) -> tuple:
    """Changes in order: of several at one step the last one, none that repeats the one before it, none after the last onset."""
    latest = [list(group)[-1] for _, group in groupby(sorted(changes, key=lambda change: change.onset), key=lambda change: change.onset)]
    return tuple(change for index, change in enumerate(latest) if change.onset <= last and (index == 0 or change[1:] != latest[index - 1][1:]))
