"""How the notes of a piece stand to its beats: triplets, swing, upbeats, and music that follows no beat.

Conventions: a place in the beat is an onset modulo a period in steps. How far onsets gather at one place is the length of their mean as unit
vectors around the period, 0 to 1 (Mardia and Jupp 2000, "Directional Statistics"): about 1/sqrt(N) for N onsets anywhere, 1 for a clock.
"""

import numpy as np

from musicgen.piece import Meter, bars_at

FEWEST_ONSETS = 24  # that tell whether there is a beat
FREE = 0.3  # onsets that gather less than that, whatever the period, follow no beat
PERIODS = (1, 1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 6)  # quarter notes; a run of sextuplets gathers at the last alone
MANY = 0.1  # share of the onsets that is worth a word
SWINGING = 0.8  # share of the offbeats that come late


def remarks_on_beats(onsets: np.ndarray, meters: tuple[Meter, ...], quarter: int) -> list[str]:
    """What a person should know, in words without a full stop.

    Args:
        onsets: (N,) of a piece, each once, rising.
        quarter: steps of a quarter note.
    """
    if not len(onsets):
        return []
    remarks = []
    start, length = (int(values[0]) for values in bars_at(onsets[:1], meters, quarter))
    if start == 0 and onsets[0] > length // 2:
        quarters = (length - onsets[0]) / quarter
        remarks.append(f"upbeat of {quarters:g} quarter note{'' if quarters == 1 else 's'}")
    if len(onsets) < FEWEST_ONSETS:
        return remarks
    if max(gathering(onsets, period * quarter) for period in PERIODS) < max(FREE, 2 / len(onsets) ** 0.5):
        return [*remarks, "follows no beat: played freely, perhaps recorded at a constant tempo, so that its bars and note values are the clock's"]
    if quarter % 3 == 0:
        late, middle = (np.mean(onsets % quarter == place) for place in (2 * quarter // 3, quarter // 3))
        if late > MANY and late > SWINGING * (late + middle + np.mean(2 * (onsets % quarter) == quarter)):
            remarks.append("swings: its offbeats are the last third of the beat")
        elif late + middle > MANY:
            remarks.append("has triplets, which the grid holds exactly")
    return remarks


def gathering(onsets: np.ndarray, period: float) -> float:
    """How far onsets gather at one place of a period, 0..1; 0 where the grid has no such period."""
    return float(abs(np.exp(2j * np.pi * onsets / period).mean())) if period >= 2 else 0.0
