"""Sound at one rate -> the same sound at another: each new sample is a sum of old ones around it, weighted by a windowed sinc.

Conventions: samples are (N, channels) float32. Where the ratio of the rates is up / down in lowest terms, `up` new samples stand at the same places
between the old ones as the `up` before them; so one small matrix makes them all.
Source: Smith, Digital Audio Resampling, https://ccrma.stanford.edu/~jos/resample/.
"""

from math import gcd

import numpy as np

REACH = 32  # old samples on either side of a new one
BETA = 9.0  # of the Kaiser window: what lies above the new band is damped by 90 dB
BAND = 0.94  # of the narrower band is kept: from 48,000 Hz to 44,100 Hz all below 18.5 kHz as it is, all that would fold into that not at all
FRAMES = 2048  # rows of `up` new samples that are made at once


def resampled(samples: np.ndarray, rate: int, new_rate: int) -> np.ndarray:
    """The sound at another rate; a sound of N samples gets N * new_rate / rate, rounded up.

    Args:
        samples: (N, channels).
        rate: samples a second; new_rate likewise, at most several times more or less.

    Returns:
        (M, channels) float32.
    """
    if rate == new_rate:
        return samples
    up, down = new_rate // gcd(rate, new_rate), rate // gcd(rate, new_rate)
    length, channels = samples.shape
    new_length = -(-length * up // down)
    rows = -(-new_length // up)
    weights = kernel(up, down)  # (T, up)
    padded = np.pad(samples, ((REACH, REACH + rows * down - length), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(weights), axis=0)[::down]  # (rows, channels, T)
    new = np.empty((rows, up, channels), np.float32)
    for begin in range(0, rows, FRAMES):
        old = np.ascontiguousarray(windows[begin : begin + FRAMES]).reshape(-1, len(weights))  # (rows * channels, T)
        new[begin : begin + FRAMES] = (old @ weights).reshape(-1, channels, up).transpose(0, 2, 1)
    return new.reshape(-1, channels)[:new_length]


def kernel(up: int, down: int) -> np.ndarray:
    """What each of `up` new samples takes of `down` old ones, and of REACH before and after these: (down + 2 * REACH, up) float32."""
    distance = np.arange(-REACH, down + REACH)[:, None] - np.arange(up) * (down / up)  # old samples
    window = np.i0(BETA * np.sqrt(np.clip(1 - (distance / REACH) ** 2, 0, 1))) / np.i0(BETA) * (abs(distance) < REACH)
    weights = np.sinc(BAND * min(1.0, up / down) * distance) * window
    return (weights / weights.sum(axis=0)).astype(np.float32)
