"""What pieces sound like, whatever their key, tempo, instruments and names: equal ones by a fingerprint, nearly equal ones by sketches.

Conventions: drums say nothing here, unless there is nothing else. The tune of a piece is the highest of the notes that begin together. A sketch
holds the smallest hashes of the runs of `RUN` intervals in the tune (Broder 1997, "On the resemblance and containment of documents"); time does
not enter it, so it is the same for other tempi and note values. Pieces with some hashes in common are compared note by note: laid over each
other in the key, at the speed and from the places where most of their runs agree (a Hough vote, as Wang 2003 finds recordings), two pieces are
as alike as the share of their notes that then fall on each other, of the piece that is covered less. Repeats written out are so covered too.
"""

import hashlib
from typing import NamedTuple

import numpy as np

RUN = 8  # intervals of a run in a sketch
SKETCH = 32  # hashes of a sketch
FEWEST_SHARED = 3  # hashes that make it worthwhile to compare
NEIGHBOURS = 8  # pieces after it that each is compared with, among those that have a hash in common
VOTING_RUN = 4  # intervals of the runs that say how one piece lies over the other
MOST_PLACES = 4  # at which one piece is laid over the other
FEWEST_VOTES = 0.25  # of those of the best place, for one more place
SPEEDS = np.array([1 / 4, 1 / 3, 3 / 8, 1 / 2, 2 / 3, 3 / 4, 1, 4 / 3, 3 / 2, 2, 8 / 3, 3, 4])  # that a speed is taken for, if it is near
NEAR_SPEED = 0.06
NOTHING = np.iinfo(np.uint64).max  # fills a sketch that has fewer hashes
PITCH_BIT = 40  # of a key that holds a pitch and, below it, an onset


class Sound(NamedTuple):
    """The notes that are compared, in the order (onset, pitch), and what speeds the comparison up."""

    onsets: np.ndarray  # (N,) steps
    pitches: np.ndarray  # (N,)
    tune: np.ndarray  # (M,) which notes are the tune
    runs: np.ndarray  # (M - VOTING_RUN,) hashes of the tune's short runs, one from each of its notes on


def rows_of(notes: np.ndarray, is_drum: np.ndarray) -> np.ndarray:
    """(M, 3) onset, pitch and duration of the pitched notes, or of the drums where there are no others; in order.

    Args:
        notes: (N, 3 or more) onset, pitch, duration of all notes of a piece.
        is_drum: (N,) bool.
    """
    rows = notes[:, :3] if is_drum.all() else notes[~is_drum, :3]
    return rows[np.lexsort(rows.T[[2, 1, 0]])].astype(np.int64)


def fingerprint_of(rows: np.ndarray, is_pitched: bool, steps_per_quarter: int) -> str:
    """Equal for pieces that are equal but for key, instruments, names and tempo. Hexadecimal.

    Args:
        rows: (M, 3), as `rows_of` gives them.
        is_pitched: whether they are no drums.
    """
    moved = rows - (rows[0, 0], rows[:, 1].min() if is_pitched else 0, 0) if len(rows) else rows
    return hashlib.sha256(np.array([steps_per_quarter, is_pitched], "<i4").tobytes() + moved.astype("<i4").tobytes()).hexdigest()[:32]


def sound_of(rows: np.ndarray) -> Sound:
    """Of rows as `rows_of` gives them."""
    onsets, pitches = rows[:, 0], rows[:, 1]
    tune = np.flatnonzero(np.append(np.diff(onsets) > 0, True))[: len(rows)]  # the last of those that begin together is the highest
    return Sound(onsets, pitches, tune, _runs(pitches[tune], VOTING_RUN))


def sketch_of(rows: np.ndarray, steps_per_quarter: int) -> np.ndarray:
    """(SKETCH,) the smallest hashes of the runs of a tune, rising; of notes that begin nearly together too, so that a roll is a chord."""
    tunes = [rows[np.append(np.diff(rows[:, 0]) > 0, True)[: len(rows)], 1]]
    together = steps_per_quarter // 8
    starts = np.unique(rows[:, 0])
    if (np.diff(starts) <= together).any():
        begins, begin = [], -together - 1
        for start in starts.tolist():
            if start > begin + together:
                begin = start
                begins.append(start)
        tunes.append(np.maximum.reduceat(rows[:, 1], np.searchsorted(rows[:, 0], begins)))
    hashes = np.unique(np.concatenate([_runs(tune, RUN) for tune in tunes]))[:SKETCH]
    return np.append(hashes, np.full(SKETCH - len(hashes), NOTHING, np.uint64))


def _runs(pitches: np.ndarray, length: int) -> np.ndarray:
    """(M - length,) hashes of all runs of so many intervals."""
    intervals = (np.diff(pitches) + 128).astype(np.uint64)
    hashes = np.zeros(max(0, len(intervals) - length + 1), np.uint64)
    for first in range(length):
        hashes = _mixed(hashes + intervals[first : first + len(hashes)])
    return hashes


def _mixed(numbers: np.ndarray) -> np.ndarray:
    """Numbers of 64 bits spread over all of them (splitmix64, Steele et al. 2014)."""
    numbers = numbers + np.uint64(0x9E3779B97F4A7C15)
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


def pairs_to_compare(sketches: np.ndarray) -> np.ndarray:
    """(M, 2) numbers of pieces, each pair once, the smaller first: those that have enough hashes in common.

    Args:
        sketches: (P, SKETCH), as `sketch_of` makes them.
    """
    hashes, owners = sketches.reshape(-1), np.repeat(np.arange(len(sketches)), SKETCH)
    order = np.argsort(hashes, kind="stable")
    order = order[hashes[order] != NOTHING]
    hashes, owners = hashes[order], owners[order]
    keys = [np.zeros(0, np.int64)]
    for distance in range(1, NEIGHBOURS + 1):
        same = hashes[:-distance] == hashes[distance:]
        keys.append(owners[:-distance][same] * len(sketches) + owners[distance:][same])
    found, counts = np.unique(np.concatenate(keys), return_counts=True)
    return np.stack(np.divmod(found[counts >= FEWEST_SHARED], max(1, len(sketches))), axis=1)


def likeness(ours: Sound, theirs: Sound) -> float:
    """How alike two pieces are, 0..1: the share of the notes of each that fall on notes of the other, the smaller of the two."""
    votes = _votes(ours, theirs)
    if not len(votes):
        return 0.0
    interval = int(np.bincount((votes[:, 2] + 128).astype(np.int64)).argmax()) - 128
    votes = votes[votes[:, 2] == interval]
    return max(_covered(ours, theirs, votes, interval, speed) for speed in _speeds(votes))


def _speeds(votes: np.ndarray) -> list[float]:
    """How many times as long the notes of one piece may be in the other: what most runs say, and what the way from run to run says."""
    speed = float(np.median(votes[:, 3]))
    here, there = votes[np.argsort(votes[:, 0], kind="stable"), :2].T
    half = len(here) // 2
    ways = here[half:] - here[: len(here) - half]
    slope = float(np.median((there[half:] - there[: len(here) - half])[ways > 0] / ways[ways > 0])) if half and (ways > 0).any() else speed
    nearest = float(SPEEDS[np.abs(SPEEDS / speed - 1).argmin()])
    near = nearest if abs(nearest / speed - 1) < NEAR_SPEED else speed
    return [near, slope] if slope != near and abs(slope / speed - 1) < NEAR_SPEED else [near]


def _covered(ours: Sound, theirs: Sound, votes: np.ndarray, interval: int, speed: float) -> float:
    """The likeness at one interval and speed."""
    near = 1 if speed == 1 else 2  # steps
    places, counts = np.unique(np.round(votes[:, 1] - speed * votes[:, 0]).astype(np.int64), return_counts=True)
    covered, covers, most = np.zeros(len(ours.onsets), bool), np.zeros(len(theirs.onsets), bool), counts.max()
    heard = np.sort((theirs.pitches << PITCH_BIT) + theirs.onsets)
    played = np.sort(((ours.pitches + interval) << PITCH_BIT) + np.round(ours.onsets * speed).astype(np.int64))
    for _ in range(MOST_PLACES):
        place = int(places[counts.argmax()])
        covered |= _is_near(played + place, heard, near)
        covers |= _is_near(heard, played + place, near)
        counts[np.abs(places - place) <= 2 * near] = 0
        if counts.max() < FEWEST_VOTES * most:
            break
    return float(min(covered.mean(), covers.mean()))


def _is_near(keys: np.ndarray, others: np.ndarray, near: int) -> np.ndarray:
    """(N,) whether one of the others (M,), at least one and rising, lies so near to each of the keys (N,)."""
    after = np.searchsorted(others, keys)
    return np.minimum(np.abs(others.take(after, mode="clip") - keys), np.abs(others.take(after - 1, mode="clip") - keys)) <= near


def _votes(ours: Sound, theirs: Sound) -> np.ndarray:
    """(V, 4) for each run that both tunes have: the onset here and there, the interval between them, and how many times as long it is there."""
    order = np.argsort(theirs.runs, kind="stable")
    firsts, lasts = (np.searchsorted(theirs.runs, ours.runs, side=side, sorter=order) for side in ("left", "right"))
    found = [np.zeros((0, 4))]
    for copy in range(MOST_PLACES):
        here = np.flatnonzero(firsts + copy < lasts)
        there = order[firsts[here] + copy]
        (onset, pitch, length), (onset_there, pitch_there, length_there) = (_places(ours, here), _places(theirs, there))
        found.append(np.stack([onset, onset_there, pitch_there - pitch, length_there / length], axis=1))
    return np.concatenate(found)


def _places(sound: Sound, runs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Onset, pitch, and length in steps of runs."""
    first, last = sound.tune[runs], sound.tune[runs + VOTING_RUN]
    return sound.onsets[first], sound.pitches[first], sound.onsets[last] - sound.onsets[first]
