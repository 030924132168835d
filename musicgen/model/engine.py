"""The network in NumPy: a few matrix products a note, for any number of takes at once.

Conventions: B takes, U units, H hidden units of a head, V values of a field, S slots of sounding notes. All arithmetic is float32 and each
row is multiplied by itself, so that its result does not depend on its neighbours: a take alone and the same take among others are equal to
the bit. Set the BLAS to one thread before NumPy loads.
"""

from collections.abc import Sequence

import numpy as np

from musicgen.encoding.context import FEWEST_UNFOLLOWED, WIDEST_LEAP, Context
from musicgen.encoding.vocabulary import NAMES, PITCH, TIME_SHIFT
from musicgen.model.cells import gru, lstm, rnn
from musicgen.model.configuration import ORDERED, RECENT_UNITS, RELATIVE_ROLES, UNLIKELY, WIDEST_INTERVAL, Configuration, state_tables
from musicgen.model.relative import POINTS, TURNED, Relative, shares_of_classes

Possible = list[np.ndarray | None]  # for each field the values that rows of a piece could have, as in encoding.grammar
State = list[np.ndarray]  # for each layer (B, U), and with an LSTM for each layer its cell (B, U)


class Engine:
    """A network that steps."""

    def __init__(self, configuration: Configuration, weights: dict[str, np.ndarray], exact: bool = True) -> None:
        """`exact`: a row's result is the same to the bit among any neighbours; without, many rows take half the time."""
        self._product = row_by_row if exact else np.matmul
        self.configuration = configuration
        self.vocabulary = configuration.vocabulary
        self.weights = weights
        self._relative = Relative(configuration)
        self._fold_inputs()
        self._join_heads()
        self._look_up()

    def _fold_inputs(self) -> None:
        """Multiply the embeddings into the first layer's kernel once, so that a step looks rows up and adds them."""
        kernel = self.weights["recurrent_0/kernel"]
        names = [f"previous_{NAMES[field]}" for field in self.vocabulary.active]
        names += ["at_place", "in_bar", "unfollowed_notes", "sounding_notes", "last_leap", "familiar_notes", "recalled_shift", "recalled_pitch"]
        self._folded: dict[str, np.ndarray] = {}
        row = 0
        for name in names:
            table = self.weights[f"{name}/embeddings"]
            self._folded[name] = table @ kernel[row : row + table.shape[1]]
            row += table.shape[1]
        self._heard_kernel = np.ascontiguousarray(kernel[row:])  # of what sounds, and of the latest pitch classes

    def _join_heads(self) -> None:
        """Put side by side what is multiplied by the same vector: the heads' first layers, and what each head makes of it."""
        names = [NAMES[field] for field in self.vocabulary.active]
        self._state_kernel, self._state_bias, _ = self._joined([f"{name}_state" for name in names])
        self._heads = {}
        for field in self.vocabulary.active:
            tables = self._relative.sizes.get(field, {})
            roles = ("logits", *(RELATIVE_ROLES if tables else ()), *(f"{table}_logits" for table in state_tables(field, tables)))
            self._heads[field] = self._joined([f"{NAMES[field]}_{role}" for role in roles])

    def _joined(self, layers: list[str]) -> tuple[np.ndarray, np.ndarray, list[int]]:
        """Kernels and biases of layers in one, and the columns where they meet."""
        kernels = [self.weights[f"{layer}/kernel"] for layer in layers]
        biases = [self.weights.get(f"{layer}/bias", np.zeros(kernel.shape[1], np.float32)) for layer, kernel in zip(layers, kernels, strict=True)]
        return np.concatenate(kernels, axis=1), np.concatenate(biases), np.cumsum([len(bias) for bias in biases])[:-1].tolist()

    def _look_up(self) -> None:
        """The vectors of each table, or of all values by their key, (N, V, D)."""
        self._vectors: dict[tuple[int, str], np.ndarray] = {}
        for field, sizes in self._relative.sizes.items():
            for table in sizes:
                if table != "by_recent":
                    entries = self.weights[f"{NAMES[field]}_{table}/embeddings"]
                    vectors = np.concatenate((entries, np.zeros((1, entries.shape[1]), np.float32)))
                    index = self._relative.index.get((field, table))
                    self._vectors[field, table] = vectors if index is None else vectors[index]

    def start(self, takes: int) -> State:
        """The state before the first note."""
        arrays = self.configuration.layers * (2 if self.configuration.cell == "lstm" else 1)
        return [np.zeros((takes, self.configuration.units), np.float32) for _ in range(arrays)]

    def step(self, state: State, previous: np.ndarray, now: Context) -> State:
        """The state after the notes before.

        Args:
            previous: (B, 5) the note before; before the first note the size of each field.
            now: a row for each take, of which the columns BEFORE are used.
        """
        span = self.configuration.span
        gates = self._folded["at_place"][np.minimum(now.place, span - 1)] + self._folded["in_bar"][np.minimum(now.bar, span)]
        gates += self._folded["unfollowed_notes"][now.unfollowed - FEWEST_UNFOLLOWED]
        gates += self._folded["sounding_notes"][now.num_sounding]
        gates += self._folded["last_leap"][now.leap + WIDEST_LEAP]
        gates += self._folded["familiar_notes"][now.familiar]
        gates += self._folded["recalled_shift"][np.minimum(now.recalled[:, 0], span) + 1]
        gates += self._folded["recalled_pitch"][now.recalled[:, 2] + 1]
        for field in self.vocabulary.active:
            gates += self._folded[f"previous_{NAMES[field]}"][previous[:, field]]
        heard = np.concatenate((self._sounding_vector(now.sounding), shares_of_classes(now.recent).reshape(-1, RECENT_UNITS)), axis=1)
        gates += self._product(heard, self._heard_kernel)
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
        part, pitch, age, left, _, _ = np.moveaxis(sounding, -1, 0)
        span = self.configuration.span
        interval = np.minimum(np.maximum(pitch - pitch[:, :1], -WIDEST_INTERVAL), WIDEST_INTERVAL) + WIDEST_INTERVAL
        vector = np.tanh(
            self.weights["sounding_part/embeddings"][part + 1]
            + self.weights["sounding_pitch/embeddings"][pitch + 1]
            + self.weights["sounding_interval/embeddings"][interval]
            + self.weights["sounding_age/embeddings"][np.minimum(np.maximum(age, 0), span)]
            + self.weights["sounding_left/embeddings"][np.minimum(np.maximum(left, 0), span)]
        )  # (B, S, 64)
        return (vector * (part >= 0)[..., None]).sum(axis=1)

    def features(self, state: State) -> np.ndarray:
        """(B, heads * H) what the state says to all heads at once."""
        return self._product(state[self.configuration.layers - 1], self._state_kernel) + self._state_bias

    def logits(self, field: int, features: np.ndarray, note: np.ndarray, around: Context) -> np.ndarray:
        """The logits of one field, (B, V), given the earlier fields in note (B, 5)."""
        name, hidden = NAMES[field], self.configuration.head_units
        position = self.vocabulary.active.index(field)
        feature = features[:, position * hidden : (position + 1) * hidden].copy()
        for earlier in self.vocabulary.active[:position]:
            feature += self.weights[f"{name}_given_{NAMES[earlier]}/embeddings"][note[:, earlier]]
        if field > TIME_SHIFT:
            feature += self.weights[f"{name}_place/embeddings"][np.minimum(around.next_place, self.configuration.span - 1)]
        np.maximum(feature, 0, out=feature)
        kernel, bias, columns = self._heads[field]
        joined = self._product(feature, kernel) + bias
        total, *said = map(np.ascontiguousarray, np.split(joined, columns, axis=1))  # else products of other strides add in another order
        if said:
            total += self._relative_logits(field, said, self._relative.compare(field, note, around))
        if field in ORDERED:
            total -= np.float32(UNLIKELY) * self._relative.out_of_order(field, note, around)
        return total

    def _relative_logits(self, field: int, said: list[np.ndarray], compared: dict[str, np.ndarray]) -> np.ndarray:
        """(B, V) of what the state says and of what each value would be relative to: `learning.network.relative_logits` in NumPy."""
        threshold, slope, bend = said[:3]
        by_entry = dict(zip(state_tables(field, self._relative.sizes[field]), said[3:], strict=True))
        classes = self._relative.values[PITCH] % 12
        total: np.ndarray | float = 0.0
        takes, count = len(threshold), self.vocabulary.sizes[field]
        vector = np.zeros((takes, count + 1, threshold.shape[1]), np.float32)  # (B, V, D), and what falls on no value
        for table, keys in compared.items():
            if table == "by_recent":
                turned = np.take(shares_of_classes(keys).reshape(len(keys), -1), TURNED, axis=1)  # (B, 12, W * 12)
                vector[:, :-1] += np.take(np.matmul(turned, self.weights["pitch_by_recent/kernel"]), classes, axis=1)
                total = total + np.take(np.matmul(turned, by_entry[table][..., None])[..., 0], classes, axis=1)
                continue
            if table in POINTS:
                for entries, values in zip(*np.divmod(keys.T, count + 1), strict=True):  # of one thing after the other
                    vector[np.arange(takes), values] += self._vectors[field, table][entries]
                continue
            vector[:, :-1] += self._vectors[field, table][keys].sum(axis=1)
            if table in by_entry:
                padded = np.append(by_entry[table], np.zeros((len(keys), 1), np.float32), axis=1)
                entries = self._relative.index[field, table][keys]  # (B, S, V)
                total = total + padded[np.arange(len(keys))[:, None, None], entries].sum(axis=1)
        vector = np.ascontiguousarray(vector[:, :-1])
        bent = np.maximum(vector + threshold[:, None], 0)
        return total + (np.matmul(vector, slope[..., None]) + np.matmul(bent, bend[..., None]))[..., 0]

    def nats(self, ids: list[np.ndarray], contexts: list[Context], possible: Sequence[Possible] | None = None) -> list[np.ndarray]:
        """How surprised the network is by each field of each row of whole pieces: -ln p, 0 where a field says nothing.

        Args:
            ids: for each piece (N, 5), its end included or not.
            possible: for each piece and field what each of its first rows could have said, (N or fewer, V) bool; None: anything.

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
            state = self.step([array[:running] for array in state], previous[:running], now)
            features = self.features(state)
            for field in self.vocabulary.active:
                logits = self.logits(field, features, note, now)
                for take, piece in enumerate(pieces):
                    mask = possible[piece][field] if possible is not None else None
                    if mask is not None and row < len(mask):
                        logits[take, ~mask[row]] = -np.inf
                chosen = np.take_along_axis(logits, note[:, field : field + 1], axis=1)[:, 0]
                says = (field <= TIME_SHIFT) | (note[:, TIME_SHIFT] != self.vocabulary.end)
                for piece, value in zip(pieces, (log_sum_exp(logits) - chosen) * says, strict=True):
                    surprise[piece][row, field] = value
            previous = note
        return surprise


def row_by_row(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """rows @ matrix, (B, U) by (U, V), each row by itself: for other numbers of rows the BLAS adds in another order."""
    return np.matmul(rows[:, None], matrix)[:, 0]


def log_sum_exp(logits: np.ndarray) -> np.ndarray:
    """(B,) of (B, V)."""
    highest = logits.max(axis=1)
    return highest + np.log(np.exp(logits - highest[:, None]).sum(axis=1))
