"""The network in NumPy: a few matrix products a note, for any number of takes at once.

Conventions: B takes, U units, H hidden units of a head, V values of a field, S slots of sounding notes. All arithmetic is float32, and a row's
result does not depend on its neighbours (`products`): a take alone and the same take among others are equal to the bit. Set the BLAS to one
thread before NumPy loads.
"""

from collections.abc import Sequence

import numpy as np

from musicgen.encoding.context import FEWEST_UNFOLLOWED, NOTHING, WIDEST_LEAP, Context
from musicgen.encoding.vocabulary import NAMES, PITCH, TIME_SHIFT
from musicgen.model.cells import gru, lstm, rnn
from musicgen.model.configuration import ORDERED, RECENT_UNITS, UNLIKELY, WIDEST_INTERVAL, Configuration
from musicgen.model.heads import Tables, head_of, joined, keyed_of, vectors_of
from musicgen.model.products import product_with
from musicgen.model.relative import POINTS, TURNED, Relative, shares_of_classes

Possible = list[np.ndarray | None]  # for each field the values that rows of a piece could have, as in encoding.grammar
HEARD = {  # tables of what is known before a note, as `Engine.step` looks them up, and what their first rows stand for
    "at_place": 0,
    "in_bar": 0,
    "unfollowed_notes": FEWEST_UNFOLLOWED,
    "sounding_notes": 0,
    "last_leap": -WIDEST_LEAP,
    "familiar_notes": 0,
    "recalled_shift": NOTHING,
    "recalled_pitch": NOTHING,
}
SOUNDING = {"part": NOTHING, "pitch": NOTHING, "age": 0, "left": 0, "interval": -WIDEST_INTERVAL}  # the same of a note that sounds
State = list[np.ndarray]  # for each layer (B, U), and with an LSTM for each layer its cell (B, U)


class Engine:
    """A network that steps."""

    def __init__(self, configuration: Configuration, weights: dict[str, np.ndarray]) -> None:
        self.configuration = configuration
        self.vocabulary = configuration.vocabulary
        self.weights = weights
        self._relative = Relative(configuration)
        self._losses = {field: np.float32(UNLIKELY) * rows for field, rows in self._relative.ruled_out.items()}  # nats
        self._fold_inputs()
        self._join_heads()
        recurrent = {name: kernel for name, kernel in weights.items() if name.startswith("recurrent_") and name != "recurrent_0/kernel"}
        self._recurrent = {name: product_with(kernel) for name, kernel in recurrent.items() if name.endswith("kernel")}

    def _fold_inputs(self) -> None:
        """Multiply the embeddings into the first layer's kernel once, so that a step looks rows up and adds them."""
        kernel = self.weights["recurrent_0/kernel"]
        self._previous = list(self.vocabulary.active)
        lowest = {f"previous_{NAMES[field]}": 0 for field in self._previous} | HEARD
        folded, row = [], 0
        for name in lowest:
            table = self.weights[f"{name}/embeddings"]
            folded.append(table @ kernel[row : row + table.shape[1]])
            row += table.shape[1]
        self._folded = Tables.of(folded, [*lowest.values()])
        self._sounding = Tables.of([self.weights[f"sounding_{name}/embeddings"] for name in SOUNDING], [*SOUNDING.values()])
        self._heard = product_with(np.ascontiguousarray(kernel[row:]))  # of what sounds, and of the latest pitch classes

    def _join_heads(self) -> None:
        """Put side by side what is multiplied by the same vector, and the tables whose entries follow from keys."""
        kernel, self._state_bias, _ = joined(self.weights, [f"{NAMES[field]}_state" for field in self.vocabulary.active])
        self._state = product_with(kernel)
        self._heads = {field: head_of(field, self.weights, self._relative) for field in self.vocabulary.active}
        self._vectors = {(field, table): vectors_of(field, table, self.weights) for field, sizes in self._relative.sizes.items() for table in sizes}
        self._keyed = {field: keyed_of(field, self._vectors, self._heads[field], self._relative) for field in self._relative.sizes}

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
        fields = len(self._previous)
        entries = np.empty((fields + len(HEARD), len(previous)), np.int64)
        entries[:fields] = previous[:, self._previous].T
        heard_of = (now.place, now.bar, now.unfollowed, now.num_sounding, now.leap, now.familiar, now.recalled[:, 0], now.recalled[:, 2])
        for entry, column in zip(entries[fields:], heard_of, strict=True):
            entry[:] = column
        heard = np.concatenate((self._sounding_vector(now.sounding), shares_of_classes(now.recent).reshape(-1, RECENT_UNITS)), axis=1)
        gates = self._heard(heard) + self._folded.sum(entries)
        layers = self.configuration.layers
        after: State = [*state]
        for layer in range(layers):
            if layer:
                gates = self._recurrent[f"recurrent_{layer}/kernel"](self._said(after, layer))
            bias = self.weights[f"recurrent_{layer}/bias"]
            gates += bias[0] if bias.ndim == 2 else bias
            recurrent = self._recurrent[f"recurrent_{layer}/recurrent_kernel"](state[layer])
            match self.configuration.cell:
                case "lstm":
                    after[layer], after[layers + layer] = lstm(gates + recurrent, state[layers + layer])
                case "gru":
                    after[layer] = gru(gates, recurrent + bias[1], state[layer])
                case _:
                    after[layer] = rnn(gates + recurrent, self.configuration.activation)
        return after

    def _said(self, state: State, layers: int) -> np.ndarray:
        """(B, U) what the first layers say together."""
        return sum(state[1:layers], start=state[0]) if self.configuration.residual else state[layers - 1]

    def _sounding_vector(self, sounding: np.ndarray) -> np.ndarray:
        """(B, 64) of what sounds (B, S, 6)."""
        part, pitch = sounding[..., 0], sounding[..., 1]
        entries = np.empty((len(SOUNDING), *part.shape), np.int64)
        entries[:4] = sounding[..., :4].transpose(2, 0, 1)
        entries[4] = np.maximum(pitch - pitch[:, :1], -WIDEST_INTERVAL)
        vectors = np.tanh(self._sounding.sum(entries.reshape(len(SOUNDING), -1))).reshape(*part.shape, -1)  # (B, S, 64)
        return np.matmul((part >= 0).astype(np.float32)[:, None], vectors)[:, 0]

    def features(self, state: State) -> np.ndarray:
        """(B, heads * H) what the state says to all heads at once."""
        return self._state(self._said(state, self.configuration.layers)) + self._state_bias

    def logits(self, field: int, features: np.ndarray, note: np.ndarray, around: Context) -> np.ndarray:
        """The logits of one field, (B, V), given the earlier fields in note (B, 5)."""
        hidden, head = self.configuration.head_units, self._heads[field]
        position = self.vocabulary.active.index(field)
        feature = features[:, position * hidden : (position + 1) * hidden].copy()
        for earlier, table in head.given.items():
            feature += table.take(note[:, earlier], axis=0)
        if field > TIME_SHIFT:
            feature += self.weights[f"{NAMES[field]}_place/embeddings"].take(around.next_place, axis=0, mode="clip")
        np.maximum(feature, 0, out=feature)
        joined = head.product(feature) + head.bias
        total = joined[:, head.columns["logits"]]
        if "slope" in head.columns:
            total = total + self._relative_logits(field, joined, self._relative.compare(field, note, around))
        if field in ORDERED:
            total = total - self._losses[field].take(self._relative.order(field, note, around), axis=0)
        return total

    def _relative_logits(self, field: int, joined: np.ndarray, compared: dict[str, np.ndarray]) -> np.ndarray:
        """(B, V) of what the state says and of what each value would be relative to: `learning.network.relative_logits` in NumPy."""
        columns, keyed, takes = self._heads[field].columns, self._keyed[field], np.arange(len(joined))
        width, count = columns["slope"].stop - columns["slope"].start, self.vocabulary.sizes[field]
        both = np.zeros((len(joined), count + 1, 2 * width), np.float32)  # (B, V, 2 D), and what falls on no value: the vector, and bent
        vector = both[..., :width]
        keys = (np.concatenate([compared[table] for table in keyed.tables], axis=1) + keyed.firsts).T  # (S, B)
        np.add.reduce(keyed.vectors.take(keys, axis=0), axis=0, out=vector[:, :-1])
        for table, entries in compared.items():
            if table in POINTS:
                nothing = self._relative.nothing(field, table)
                for key in entries.T:  # of one thing after the other
                    if (key != nothing).any():
                        entry, value = np.divmod(key, count + 1)
                        vector[takes, value] += self._vectors[field, table].take(entry, axis=0)
            elif table not in keyed.tables and table != "by_recent":
                vector[:, :-1] += self._vectors[field, table].take(entries[:, 0], axis=0)
        total: np.ndarray | float = 0.0
        if keyed.columns is not None:
            total = np.add.reduce(joined.take(keyed.columns.take(keys, axis=0) + joined.shape[1] * takes[:, None]), axis=0)
        if "by_recent" in compared:
            classes = self._relative.values[PITCH] % 12
            turned = shares_of_classes(compared["by_recent"]).reshape(len(joined), -1).take(TURNED, axis=1)  # (B, 12, W * 12)
            vector[:, :-1] += np.matmul(turned, self._vectors[field, "by_recent"][:-1]).take(classes, axis=1)
            own = np.ascontiguousarray(joined[:, columns["by_recent_logits"]])
            total = total + np.matmul(turned, own[..., None])[..., 0].take(classes, axis=1)
        np.maximum(vector + joined[:, None, columns["threshold"]], 0, out=both[..., width:])
        said = np.ascontiguousarray(joined[:, columns["slope"].start : columns["bend"].stop])  # else products of other strides add in another order
        return total + np.matmul(both, said[..., None])[:, :-1, 0]

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


def log_sum_exp(logits: np.ndarray) -> np.ndarray:
    """(B,) of (B, V)."""
    highest = logits.max(axis=1)
    return highest + np.log(np.exp(logits - highest[:, None]).sum(axis=1))
