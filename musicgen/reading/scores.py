"""A score as music21 reads it -> what is heard, in ticks, as if it were MIDI.

Conventions: what sounds is heard: transposing instruments at their pitch, repeats as often as they are played, ties as one note.
Grace notes, ornaments and chord symbols are left out. A bar lasts as long as what is in it; `assembly` makes bars whole that are cut in two and finds
upbeats. Loudness is that of the last dynamic mark of the part. music21 is imported where it reads.
"""

import warnings
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import zip_longest
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from musicgen.reading.assembly import MINOR_MODES, Bar, SkipError, Sound, joined, meters_of
from musicgen.reading.kern import order_of_sections
from musicgen.reading.kits import DRUM_CHANNEL
from musicgen.reading.repeats import played_order
from musicgen.reading.signs import signs_of
from musicgen.reading.strands import TICKS_PER_QUARTER, Heard, Strand

USUAL_VELOCITY = 83  # of a score without dynamics
SNARE = 38  # for drums of which a score does not say which
TEMPI = (4.0, 1_000.0)  # quarter notes a minute; a mark outside is none


class Stave(NamedTuple):
    """One part, bar by bar."""

    name: str
    program: int
    is_drum: bool
    bars: list[list[tuple[Sound, int]]]  # onsets within the bar; velocities

    def with_staff(self, other: "Stave") -> "Stave":
        """With what another staff of the same player sounds."""
        return self._replace(bars=[[*own, *more] for own, more in zip_longest(self.bars, other.bars, fillvalue=())])


class Score(NamedTuple):
    title: str
    heard: Heard
    remarks: tuple[str, ...]


def hear_score(score: Any, is_tune: bool = False) -> Score:
    """All that sounds in a music21 score. Raises whatever music21 raises.

    Args:
        is_tune: whether it was ABC, where what is repeated may begin at a double bar.
    """
    from music21 import stream

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        score = score.toSoundingPitch()
    parts = list(score.parts) or [score]
    measures = [list(part[stream.Measure]) or [part] for part in parts]
    remarks: Counter[str] = Counter()
    staves: dict[str, Stave] = {}
    for number, (part, bars) in enumerate(zip(parts, measures, strict=True)):
        player = part.id.rpartition("-Staff")[0] if isinstance(part, stream.PartStaff) else f"{number}"  # both hands are one part
        for turn, stave in enumerate(_staves(part, bars, remarks)):
            place = f"{player} {turn}"
            staves[place] = staves[place].with_staff(stave) if place in staves else stave
    longest = max(measures, key=len)
    lengths = [_length([bars[index] for bars in measures if index < len(bars)]) for index in range(len(longest))]
    order, can_follow = order_of_sections(parts[measures.index(longest)], longest), True
    if order is None:
        order, can_follow = played_order(signs_of(longest), is_tune)
    if not can_follow:
        remarks["a jump (da capo, dal segno) to a sign that is not there, left out"] = 1
    begins = [Fraction(0)]
    for index in order:
        begins.append(begins[-1] + lengths[index])
    bars, changes = _bars(longest, lengths, order), list(_changes(measures, order, begins))
    try:
        upbeat, meters = meters_of(bars, TICKS_PER_QUARTER)
    except SkipError:
        remarks["bars of a length that no meter has"] = 1
        upbeat, meters = Fraction(0), []

    def ticks(quarters: Fraction) -> int:
        return round((quarters + upbeat) * TICKS_PER_QUARTER)

    def change_at(quarters: Fraction) -> int:
        return ticks(quarters) if quarters else 0

    heard = Heard(
        [_strand(stave, order, begins, ticks) for stave in staves.values()],
        [(change_at(at), round(60e6 / tempo)) for at, kind, tempo in changes if kind == "tempo"],
        [(meter.onset, meter.numerator, meter.denominator) for meter in meters],
        [(change_at(at), *key) for at, kind, key in changes if kind == "key"],
        0,
    )
    said = tuple(f"{what}: {number:,}" if number > 1 or what.endswith("left out") else what for what, number in remarks.items())
    return Score((score.metadata and score.metadata.bestTitle) or "", heard, said)


def _staves(part: Any, bars: list[Any], remarks: Counter[str]) -> list[Stave]:
    """A part, or one of each instrument on which it is played in turn."""
    from music21 import dynamics, instrument

    marks = [(Fraction(mark.getOffsetInHierarchy(part)), mark.volumeScalar) for mark in part[dynamics.Dynamic] if mark.volumeScalar is not None]
    begins = [Fraction(bar.getOffsetInHierarchy(part)) if bar is not part else Fraction(0) for bar in bars]
    sounds = [list(_sounds(bar, begin, marks, remarks)) for bar, begin in zip(bars, begins, strict=True)]
    found = sorted(((Fraction(one.getOffsetInHierarchy(part)), one) for one in part[instrument.Instrument]), key=itemgetter(0))
    changes = [(at, *_player(part, one, at == found[0][0])) for at, one in found] or [(Fraction(0), *_player(part, instrument.Instrument(), True))]
    if any(is_drum for *_, is_drum in changes) or _is_unpitched(bars):
        return [Stave(changes[0][1], 0, True, sounds)]
    players = list(dict.fromkeys((name, program) for _, name, program, _ in changes))
    if len(players) == 1:
        return [Stave(*players[0], False, sounds)]
    own: dict[tuple[str, int], list[list[tuple[Sound, int]]]] = {player: [[] for _ in bars] for player in players}
    for index, (begin, bar) in enumerate(zip(begins, sounds, strict=True)):
        for sound, velocity in bar:
            turn = max(1, bisect_right(changes, begin + sound.onset, key=itemgetter(0)))
            own[changes[turn - 1][1:3]][index].append((sound, velocity))
    return [Stave(*player, False, played) for player, played in own.items()]


def _player(part: Any, player: Any, is_first: bool) -> tuple[str, int, bool]:
    """Name and program of an instrument, and whether it is drums; a part is called by its first one, or as the score says."""
    from music21 import instrument

    name = str((is_first and part.partName) or player.partName or player.instrumentName or "")
    is_drum = player.midiChannel == DRUM_CHANNEL or isinstance(player, instrument.UnpitchedPercussion)
    return name, player.midiProgram or _program_of(name), is_drum


def _program_of(name: str) -> int:
    """The General MIDI program of an instrument by its name; programs write the piano's for all that they do not know."""
    from music21 import instrument

    try:
        return instrument.fromString(name).midiProgram or 0
    except instrument.InstrumentException:
        return 0


def _is_unpitched(bars: list[Any]) -> bool:
    from music21 import note

    return any(bar[note.Unpitched] for bar in bars)


def _sounds(bar: Any, offset: Fraction, marks: list[tuple[Fraction, float]], remarks: Counter[str]) -> Iterator[tuple[Sound, int]]:
    """What a bar sounds, and how loud. `offset`: of the bar, in the part, by which its dynamic mark is found."""
    from music21 import harmony

    for element in bar.flatten().notes:
        if isinstance(element, harmony.Harmony):
            continue
        if not element.quarterLength:
            remarks["grace notes, left out"] += 1
            continue
        at = Fraction(element.offset)
        if not element.pitches:
            remarks["drums without a number in MIDI, read as a snare"] += 1
        index = bisect_right(marks, offset + at, key=lambda mark: mark[0])
        usual = round(127 * marks[index - 1][1]) if index else USUAL_VELOCITY
        for note in getattr(element, "notes", (element,)):
            is_tied = note.tie is not None and note.tie.type in ("start", "continue")
            velocity = note.volume.velocity or element.volume.velocity or usual
            yield Sound(at, _pitch(note), Fraction(element.quarterLength), is_tied), velocity


def _pitch(note: Any) -> int:
    """The MIDI note number, or the drum."""
    if hasattr(note, "pitch"):
        return min(127, max(0, note.pitch.midi))
    return SNARE


def _length(bars: list[Any]) -> Fraction:
    """Quarter notes to the end of the last note or rest of a bar in any part."""
    return max(Fraction(bar.highestTime) for bar in bars).limit_denominator(TICKS_PER_QUARTER)


def _bars(measures: list[Any], lengths: list[Fraction], order: list[int]) -> list[Bar]:
    """The bars as played, each with the meter in force where it is written; silent ones at no length are none."""
    times, time = [], (4, 4)
    for measure in measures:
        signature = getattr(measure, "timeSignature", None)
        time = (signature.numerator, signature.denominator) if signature else time
        times.append(time)
    return [Bar(lengths[index], *times[index]) for index in order if lengths[index]]


def _changes(measures: list[list[Any]], order: list[int], begins: list[Fraction]) -> Iterator[tuple[Fraction, str, Any]]:
    """Tempi of all parts, and the key signatures of the first, where they are played: (quarter notes, "tempo" or "key", which)."""
    from music21 import key, tempo

    for index, begin in zip(order, begins, strict=False):
        for number, bars in enumerate(measures):
            if index >= len(bars):
                continue
            for mark in bars[index][tempo.MetronomeMark]:
                quarters = mark.getQuarterBPM()
                if quarters is not None and TEMPI[0] <= quarters <= TEMPI[1]:
                    yield begin + Fraction(mark.getOffsetInHierarchy(bars[index])), "tempo", quarters
            for signature in bars[index][key.KeySignature] if not number else ():
                if signature.sharps is not None:
                    yield (
                        begin + Fraction(signature.getOffsetInHierarchy(bars[index])),
                        "key",
                        (signature.sharps, getattr(signature, "mode", "major") in MINOR_MODES),
                    )


def _strand(stave: Stave, order: list[int], begins: list[Fraction], ticks: Any) -> Strand:
    placed = [
        (sound._replace(onset=begin + sound.onset), velocity)
        for index, begin in zip(order, begins, strict=False)
        if index < len(stave.bars)
        for sound, velocity in stave.bars[index]
    ]
    loud = {(sound.onset, sound.pitch): velocity for sound, velocity in reversed(placed)}
    rows = [
        (ticks(onset), ticks(onset + quarters) - ticks(onset), pitch, loud[onset, pitch])
        for onset, pitch, quarters, _ in joined(sorted(sound for sound, _ in placed))
    ]
    return Strand(stave.name, stave.program, stave.is_drum, *np.array(rows, np.int64).reshape(-1, 4).T)
