"""The network in NumPy: a few matrix products a note, for any number of takes at once.

Conventions: B takes, U units, H hidden units of a head, V values of a field, S slots of sounding notes. All arithmetic is float32 and each
row is multiplied by itself, so that its result does not depend on its neighbours: a take alone and the same take among others are equal to
the bit. Set the BLAS to one thread before NumPy loads.

Source of the cells: Hochreiter and Schmidhuber 1997 with Gers' forget gate; Cho et al. 2014 in cuDNN's form; Elman 1990.
"""

from typing import NamedTuple

import numpy as np

from musicgen.encoding.context import Context
from musicgen.encoding.vocabulary import DURATION, NAMES, PART, PITCH, TIME_SHIFT
from musicgen.model.configuration import WIDEST_INTERVAL, Configuration, relative_logits

State = list[np.ndarray]  # for each layer (B, U), and with an LSTM for each layer its cell (B, U)


class Surroundings(NamedTuple):
    """What the heads know beside the state: one row of `encoding.context.Context` for each take."""

    sounding: np.ndarray  # (B, S, 3)
    next_place: np.ndarray  # (B,)
    next_bar: np.ndarray  # (B,)
    last_pitch: np.ndarray  # (B,)


class Engine:
    """A network that steps."""

    def __init__(self, configuration: Configuration, weights: dict[str, np.ndarray], exact: bool = True) -> None:
        """`exact`: a row's result is the same to the bit among any neighbours; without, many rows take half the time."""
        self._product = row_by_row if exact else np.matmul
        self.configuration = configuration
        self.vocabulary = configuration.vocabulary
        self.weights = weights
        self.drums = np.array([token.is_drum for token in self.vocabulary.parts])
        self.shifts, self.pitches, self.durations = (
            self.vocabulary.steps(field, np.arange(self.vocabulary.sizes[field])) for field in (TIME_SHIFT, PITCH, DURATION)
        )
        self.goes_on = np.arange(len(self.shifts)) < self.vocabulary.end
        self._fold_inputs()
        self._join_heads()

    def _fold_inputs(self) -> None:
        """Multiply the embeddings into the first layer's kernel once, so that a step looks rows up and adds them."""
        kernel = self.weights["recurrent_0/kernel"]
        names = [f"previous_{NAMES[field]}" for field in self.vocabulary.active] + ["at_place", "in_bar"]
        self._folded: dict[str, np.ndarray] = {}
        row = 0
        for name in names:
            table = self.weights[f"{name}/embeddings"]
            self._folded[name] = table @ kernel[row : row + table.shape[1]]
            row += table.shape[1]
        self._sounding_kernel = np.ascontiguousarray(kernel[row:])

    def _join_heads(self) -> None:
        """Put side by side what is multiplied by the same vector: the heads' first layers, and each head's tables of logits."""
        names = [NAMES[field] for field in self.vocabulary.active]
        self._state_kernel = np.concatenate([self.weights[f"{name}_state/kernel"] for name in names], axis=1)
        self._state_bias = np.concatenate([self.weights[f"{name}_state/bias"] for name in names])
        self._tables = relative_logits(self.configuration)
        self._kernels = {
            field: np.concatenate([self.weights[f"{NAMES[field]}_{table}/kernel"] for table in ("logits", *self._tables.get(field, {}))], axis=1)
            for field in self.vocabulary.active
        }

    def start(self, takes: int) -> State:
        """The state before the first note."""
        arrays = self.configuration.layers * (2 if self.configuration.cell == "lstm" else 1)
        return [np.zeros((takes, self.configuration.units), np.float32) for _ in range(arrays)]

    def step(self, state: State, previous: np.ndarray, place: np.ndarray, bar: np.ndarray, sounding: np.ndarray) -> State:
        """The state after the notes before.

        Args:
            previous: (B, 5) the note before; before the first note the size of each field.
            place: (B,) as in Context, likewise bar (B,) and sounding (B, S, 3).
        """
        span = self.configuration.span
        gates = self._folded["at_place"][np.minimum(place, span - 1)] + self._folded["in_bar"][np.minimum(bar, span)]
        for field in self.vocabulary.active:
            gates += self._folded[f"previous_{NAMES[field]}"][previous[:, field]]
        gates += self._product(self._sounding_vector(sounding), self._sounding_kernel)
        layers = self.configuration.layers
        after: State = [*state]
        for layer in range(layers):
            if layer:
                gates = self._product(after[layer - 1], self.weights[f"recurrent_{layer}/kernel"])
            bias = self.weights[f"recurrent_{layer}/bias"]
            gates += bias[0] if bias.ndim == 2 else bias
            kernel = self.weights[f"recurrent_{layer}/recurrent_kernel"]
            recurrent = self._product(state[layer], kernel)
            match self.configuration.cell:
                case "lstm":
                    after[layer], after[layers + layer] = lstm(gates + recurrent, state[layers + layer])
                case "gru":
                    after[layer] = gru(gates, recurrent + bias[1], state[layer])
                case _:
                    after[layer] = rnn(gates + recurrent, self.configuration.activation)
        return after

    def _sounding_vector(self, sounding: np.ndarray) -> np.ndarray:
        part, pitch, left = sounding[..., 0], sounding[..., 1], sounding[..., 2]
        vector = np.tanh(
            self.weights["sounding_part/embeddings"][part + 1]
            + self.weights["sounding_pitch/embeddings"][pitch + 1]
            + self.weights["sounding_left/embeddings"][np.minimum(np.maximum(left, 0), self.configuration.span)]
        )  # (B, S, 64)
        return (vector * (part >= 0)[..., None]).sum(axis=1)

    def features(self, state: State) -> np.ndarray:
        """(B, heads * H) what the state says to all heads at once."""
        return self._product(state[self.configuration.layers - 1], self._state_kernel) + self._state_bias

    def logits(self, field: int, features: np.ndarray, note: np.ndarray, around: Surroundings) -> np.ndarray:
        """The logits of one field, (B, V), given the earlier fields in note (B, 5)."""
        name, hidden = NAMES[field], self.configuration.head_units
        position = self.vocabulary.active.index(field)
        feature = features[:, position * hidden : (position + 1) * hidden].copy()
        for earlier in self.vocabulary.active[:position]:
            feature += self.weights[f"{name}_given_{NAMES[earlier]}/embeddings"][note[:, earlier]]
        if field > TIME_SHIFT:
            feature += self.weights[f"{name}_place/embeddings"][np.minimum(around.next_place, self.configuration.span - 1)]
        np.maximum(feature, 0, out=feature)
        joined = self._product(feature, self._kernels[field])
        total = joined[:, : self.vocabulary.sizes[field]] + self.weights[f"{name}_logits/bias"]
        column = self.vocabulary.sizes[field]
        for table, size in self._tables.get(field, {}).items():
            index, weight = RELATIVE[field, table](self, note, around)  # (B, S, V), (B, S or 1, V or 1)
            takes, slots, values = index.shape
            gathered = np.take_along_axis(joined[:, column : column + size], index.reshape(takes, slots * values), axis=1)
            total += (gathered.reshape(index.shape) * weight).sum(axis=1)
            column += size
        return total

    def nats(self, ids: list[np.ndarray], contexts: list[Context]) -> list[np.ndarray]:
        """How surprised the network is by each field of each row of whole pieces: -ln p, 0 where a field says nothing.

        Args:
            ids: for each piece (N, 5), its end included or not.

        Returns:
            For each piece (N, 5) float32 nats.
        """
        order = sorted(range(len(ids)), key=lambda piece: -len(ids[piece]))
        surprise = [np.zeros(rows.shape, np.float32) for rows in ids]
        lengths = np.array([len(ids[piece]) for piece in order])
        state = self.start(len(order))
        previous = np.tile(np.array(self.vocabulary.sizes, np.int32), (len(order), 1))
        for row in range(int(lengths.max(initial=0))):
            running = int(np.count_nonzero(lengths > row))  # the longer pieces stand first
            pieces = order[:running]
            now = Context(*(np.stack([getattr(contexts[piece], name)[row] for piece in pieces]) for name in Context._fields))
            note = np.stack([ids[piece][row] for piece in pieces])
            state = self.step([array[:running] for array in state], previous[:running], now.place, now.bar, now.sounding)
            features = self.features(state)
            around = Surroundings(now.sounding, now.next_place, now.next_bar, now.last_pitch)
            for field in self.vocabulary.active:
                logits = self.logits(field, features, note, around)
                chosen = np.take_along_axis(logits, note[:, field : field + 1], axis=1)[:, 0]
                says = (field <= TIME_SHIFT) | (note[:, TIME_SHIFT] != self.vocabulary.end)
                for piece, value in zip(pieces, (log_sum_exp(logits) - chosen) * says, strict=True):
                    surprise[piece][row, field] = value
            previous = note
        return surprise


def row_by_row(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """rows @ matrix, (B, U) by (U, V), each row by itself: for other numbers of rows the BLAS adds in another order."""
    return np.matmul(rows[:, None], matrix)[:, 0]


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 0.5 * np.tanh(0.5 * values) + 0.5


def log_sum_exp(logits: np.ndarray) -> np.ndarray:
    """(B,) of (B, V)."""
    highest = logits.max(axis=1)
    return highest + np.log(np.exp(logits - highest[:, None]).sum(axis=1))


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


def _difference(values: np.ndarray, others: np.ndarray, widest: int) -> np.ndarray:
    """values - others as indices, the wide ones together."""
    return np.minimum(np.maximum(values - others, -widest), widest) + widest


def _left_at_onset(engine: Engine, note: np.ndarray, around: Surroundings) -> np.ndarray:
    return around.sounding[..., 2:3] - engine.vocabulary.steps(TIME_SHIFT, note[:, TIME_SHIFT])[:, None, None]  # (B, S, 1)


def _time_shift_by_left(engine: Engine, note: np.ndarray, around: Surroundings):
    left = around.sounding[..., 2:3]
    return _difference(engine.shifts, left, engine.configuration.steps_apart), (left > 0) & engine.goes_on


def _pitch_by_interval(engine: Engine, note: np.ndarray, around: Surroundings):
    last = around.last_pitch[:, None, None]
    return _difference(engine.pitches, last, WIDEST_INTERVAL), last >= 0


def _pitch_by_sounding(engine: Engine, note: np.ndarray, around: Surroundings):
    part, pitch = around.sounding[..., 0:1], around.sounding[..., 1:2]
    alike = engine.drums[part] == engine.drums[note[:, PART]][:, None, None]
    return _difference(engine.pitches, pitch, WIDEST_INTERVAL), (_left_at_onset(engine, note, around) > 0) & alike


def _duration_by_place(engine: Engine, note: np.ndarray, around: Surroundings):
    index = (around.next_place[:, None, None] + engine.durations) % around.next_bar[:, None, None]
    return np.minimum(index, engine.configuration.span - 1), np.True_


def _duration_by_left(engine: Engine, note: np.ndarray, around: Surroundings):
    left = _left_at_onset(engine, note, around)
    return _difference(engine.durations, left, engine.configuration.steps_apart), left > 0


RELATIVE = {
    (TIME_SHIFT, "by_left"): _time_shift_by_left,
    (PITCH, "by_interval"): _pitch_by_interval,
    (PITCH, "by_sounding"): _pitch_by_sounding,
    (DURATION, "by_place"): _duration_by_place,
    (DURATION, "by_left"): _duration_by_left,
}
