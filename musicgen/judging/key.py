"""The key of a piece, by its pitch classes.

Source: Krumhansl and Kessler's probe-tone profiles (1982), correlated with the durations of the pitch classes (Krumhansl 1990).
"""

import numpy as np

from musicgen.piece import Key, Piece, enharmonic_fifths

MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])


def estimate_key(piece: Piece) -> Key:
    """The key whose profile fits best, from step 0 on; C major for a piece without pitches."""
    durations = np.zeros(12)
    for part in piece.parts:
        for note in () if part.is_drum else part.notes:
            durations[note.pitch % 12] += note.duration
    if not durations.any() or durations.std() == 0:
        return Key(0, 0)
    profiles = np.array([np.roll(profile, tonic) for profile in (MAJOR, MINOR) for tonic in range(12)])
    scores = [np.corrcoef(durations, profile)[0, 1] for profile in profiles]
    is_minor, tonic = divmod(int(np.argmax(scores)), 12)
    return Key(0, enharmonic_fifths(7 * (tonic - 9 * is_minor)), bool(is_minor))
