"""One step of each kind of recurrent cell in NumPy, B rows of U units.

Source: Hochreiter and Schmidhuber 1997 with Gers' forget gate; Cho et al. 2014 in cuDNN's form; Elman 1990.
"""

import numpy as np


def sigmoid(values: np.ndarray) -> np.ndarray:
    values = 0.5 * values
    np.tanh(values, out=values)
    values *= 0.5
    values += 0.5
    return values


def lstm(gates: np.ndarray, cell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hidden and cell state, each (B, U), from gates (B, 4U) in the order input, forget, candidate, output."""
    units = cell.shape[1]
    open_gates = sigmoid(gates)
    cell = open_gates[:, units : 2 * units] * cell + open_gates[:, :units] * np.tanh(gates[:, 2 * units : 3 * units])
    return open_gates[:, 3 * units :] * np.tanh(cell), cell


def gru(gates: np.ndarray, recurrent: np.ndarray, state: np.ndarray) -> np.ndarray:
    """State (B, U) from gates (B, 3U) in the order update, reset, candidate; the reset gate acts after the product."""
    units = state.shape[1]
    update, reset = np.split(sigmoid(gates[:, : 2 * units] + recurrent[:, : 2 * units]), 2, axis=1)
    candidate = np.tanh(gates[:, 2 * units :] + reset * recurrent[:, 2 * units :])
    return update * state + (1 - update) * candidate


def rnn(gates: np.ndarray, activation: str) -> np.ndarray:
    """State (B, U) of the plain cell."""
    return np.tanh(gates) if activation == "tanh" else np.maximum(gates, 0)
