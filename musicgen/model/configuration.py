"""The shape of a network: all that learning, the model file and the engine must agree on, and what follows from it.

Conventions: a weight is called `layer/variable`, as Keras names them; `weight_shapes` is the whole list.
"""

import math
from dataclasses import asdict, dataclass, fields

from musicgen.encoding.context import (
    FAMILIAR,
    FEWEST_UNFOLLOWED,
    MOST_SLOTS,
    MOST_SOUNDING,
    MOST_UNFOLLOWED,
    NO_LEAP,
    OWN_RECENT,
    RECENT,
    WIDEST_LEAP,
)
from musicgen.encoding.vocabulary import DURATION, NAMES, PART, PITCH, TIME_SHIFT, Vocabulary
from musicgen.piece import NUM_PITCHES

CELLS = {"lstm": 4, "gru": 3, "rnn": 1}  # gates, which share one matrix
ACTIVATIONS = ("tanh", "relu")  # of the plain cell
EMBEDDING_UNITS = {"time_shift": 32, "part": 16, "pitch": 64, "duration": 32, "velocity": 16}
PLACE_UNITS, BAR_UNITS, SOUNDING_UNITS, COUNT_UNITS, LEAP_UNITS = 32, 8, 64, 16, 32
RECENT_UNITS = len(RECENT) * 12
FAMILIAR_UNITS, RECALLED_PITCH_UNITS, RECALLED_SHIFT_UNITS = 16, 32, 16
LEAPS = WIDEST_LEAP + NO_LEAP + 1
UNFOLLOWED = MOST_UNFOLLOWED - FEWEST_UNFOLLOWED + 1
WIDEST_INTERVAL = 36  # semitones; wider ones are taken for it
INTERVALS = 2 * WIDEST_INTERVAL + 1
RECENT_WINDOWS = len(RECENT) + len(OWN_RECENT)
RELATIVE_UNITS = {"time_shift": 16, "part": 16, "pitch": 24, "duration": 8}  # of the vector that says what a value is relative to
LONGEST = 16  # quarters; longer bars, notes and differences between them are taken for it
ORDERED, UNLIKELY = (TIME_SHIFT, PART, PITCH), 12  # fields that the order of notes limits; what it rules out loses so many nats, not all
RELATIVE_ROLES = ("threshold", "slope", "bend")  # what a head says of that vector r: its logit is slope * r + bend * relu(r + threshold)
STATES = ("begun", "sounding", "ended")  # of a note when another is chosen: begun at its onset, going on, or ended by then


class ConfigurationError(ValueError):
    """A network that can't be built; the message says why."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings of one network."""

    vocabulary: Vocabulary
    cell: str = "lstm"
    layers: int = 2
    units: int = 256
    dropout: float = 0.5
    activation: str = "tanh"  # of the plain cell alone
    slots: int = MOST_SLOTS  # sounding notes that it hears
    head_units: int = 192
    residual: bool = True  # whether layers hear, and heads are told, the sum of what all layers before them say, or only what the last does

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("layers", self.layers, 1, 16),
            ("units", self.units, 1, 8192),
            ("slots", self.slots, 1, MOST_SLOTS),
            ("head_units", self.head_units, 1, 4096),
        ):
            if not low <= value <= high:
                raise ConfigurationError(f"{name} must lie in {low}..{high}, not {value}")
        if not 0 <= self.dropout < 1:
            raise ConfigurationError(f"dropout must lie in 0..1, below 1, not {self.dropout}")
        if self.cell not in CELLS:
            raise ConfigurationError(f"cell must be one of {', '.join(CELLS)}, not {self.cell!r}")
        if self.activation not in ACTIVATIONS:
            raise ConfigurationError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {self.activation!r}")

    @property
    def span(self) -> int:
        """Steps that are told apart: places in a bar, ages of notes, differences of duration."""
        return LONGEST * self.vocabulary.steps_per_quarter

    def to_json(self) -> dict:
        return {**asdict(self), "vocabulary": self.vocabulary.to_json()}

    @classmethod
    def from_json(cls, document: dict) -> "Configuration":
        """Raises KeyError, TypeError or ValueError where the document is no configuration."""
        document = {"residual": False, **document}  # as it was before files said so
        settings = {field.name: document[field.name] for field in fields(cls)}
        for name in ("layers", "units", "slots", "head_units"):
            if type(settings[name]) is not int:
                raise TypeError(f"{name} must be a whole number")
        if type(settings["residual"]) is not bool:
            raise TypeError("residual must be true or false")
        return cls(**{**settings, "dropout": float(settings["dropout"]), "vocabulary": Vocabulary.from_json(document["vocabulary"])})


def relative_tables(configuration: Configuration) -> dict[int, dict[str, int]]:
    """For each field that has relative logits the tables of what its values are relative to, and how many entries each has."""
    differences, ages = 2 * configuration.span + 1, configuration.span + 1
    recall = {"by_recall": 2 * (len(FAMILIAR) + 1)}  # to what is recalled, by how familiar it is, and whether it agreed so far
    tables = {
        TIME_SHIFT: {
            "by_place": configuration.span,  # place in the bar that it leads to
            "by_sounding": ages + differences,  # how old a held note then is, or how much later than the end of another
            **recall,
        },
        PART: {
            "by_age": ages,  # how old the part's sounding notes are
            "by_lag": ages,  # how long the notes before them lasted
            "by_interval": 2 * INTERVALS,  # of them to the latest note, and whether this one begins with it
            **recall,
        },
        PITCH: {
            "by_interval": INTERVALS,  # to the part's last note
            "by_followed": INTERVALS,  # to the note that it follows
            "by_sounding": len(STATES) * INTERVALS,  # to a note begun at this onset, one that goes on, one that has ended
            "by_motion": 12,  # in which it would be with a note that moves as far
            "by_recent": 12 * RECENT_WINDOWS,  # to the pitch classes of the latest notes, and of the part's own
            **recall,
        },
        DURATION: {
            "by_place": configuration.span,  # place in the bar where it would end
            "by_left": differences,  # how much later than a sounding note
            **recall,
        },
    }
    return {field: tables[field] for field in configuration.vocabulary.active if field in tables}


def state_tables(field: int, tables: dict[str, int]) -> list[str]:
    """The tables whose entries have logits of their own besides, which the state says: what matters most in a pitch."""
    return [table for table in tables if field == PITCH and table not in ("by_motion", "by_recall")]


def weight_shapes(configuration: Configuration) -> dict[str, tuple[int, ...]]:
    """The name and the shape of every weight, in the order of the road from input to output."""
    vocabulary, units, hidden = configuration.vocabulary, configuration.units, configuration.head_units
    shapes: dict[str, tuple[int, ...]] = {}
    width = PLACE_UNITS + BAR_UNITS + 2 * COUNT_UNITS + LEAP_UNITS + SOUNDING_UNITS + RECENT_UNITS
    width += FAMILIAR_UNITS + RECALLED_PITCH_UNITS + RECALLED_SHIFT_UNITS
    for field in vocabulary.active:
        shapes[f"previous_{NAMES[field]}/embeddings"] = (vocabulary.sizes[field] + 1, EMBEDDING_UNITS[NAMES[field]])
        width += EMBEDDING_UNITS[NAMES[field]]
    shapes["at_place/embeddings"] = (configuration.span, PLACE_UNITS)
    shapes["in_bar/embeddings"] = (configuration.span + 1, BAR_UNITS)
    shapes["unfollowed_notes/embeddings"] = (UNFOLLOWED, COUNT_UNITS)
    shapes["sounding_notes/embeddings"] = (MOST_SOUNDING + 1, COUNT_UNITS)
    shapes["last_leap/embeddings"] = (LEAPS, LEAP_UNITS)
    shapes["familiar_notes/embeddings"] = (len(FAMILIAR) + 1, FAMILIAR_UNITS)
    shapes["recalled_shift/embeddings"] = (configuration.span + 2, RECALLED_SHIFT_UNITS)
    shapes["recalled_pitch/embeddings"] = (NUM_PITCHES + 1, RECALLED_PITCH_UNITS)
    shapes["sounding_part/embeddings"] = (len(vocabulary.parts) + 1, SOUNDING_UNITS)
    shapes["sounding_pitch/embeddings"] = (NUM_PITCHES + 1, SOUNDING_UNITS)
    shapes["sounding_interval/embeddings"] = (INTERVALS, SOUNDING_UNITS)
    shapes["sounding_age/embeddings"] = (configuration.span + 1, SOUNDING_UNITS)
    shapes["sounding_left/embeddings"] = (configuration.span + 1, SOUNDING_UNITS)
    gates = CELLS[configuration.cell]
    for layer in range(configuration.layers):
        shapes[f"recurrent_{layer}/kernel"] = (width, gates * units)
        shapes[f"recurrent_{layer}/recurrent_kernel"] = (units, gates * units)
        # cuDNN's GRU, and so Keras', has two biases
        shapes[f"recurrent_{layer}/bias"] = (2, gates * units) if configuration.cell == "gru" else (gates * units,)
        width = units
    for position, field in enumerate(vocabulary.active):
        name = NAMES[field]
        shapes[f"{name}_state/kernel"] = (units, hidden)
        shapes[f"{name}_state/bias"] = (hidden,)
        for given in vocabulary.active[:position]:
            shapes[f"{name}_given_{NAMES[given]}/embeddings"] = (vocabulary.sizes[given], hidden)
        if field > TIME_SHIFT:
            shapes[f"{name}_place/embeddings"] = (configuration.span, hidden)
        shapes[f"{name}_logits/kernel"] = (hidden, vocabulary.sizes[field])
        shapes[f"{name}_logits/bias"] = (vocabulary.sizes[field],)
        tables = relative_tables(configuration).get(field, {})
        width = RELATIVE_UNITS.get(name, 0)
        for table, size in tables.items():
            shapes[f"{name}_{table}/{'kernel' if table == 'by_recent' else 'embeddings'}"] = (size, width)
        for role in RELATIVE_ROLES if tables else ():
            shapes[f"{name}_{role}/kernel"], shapes[f"{name}_{role}/bias"] = (hidden, width), (width,)
        for table in state_tables(field, tables):
            shapes[f"{name}_{table}_logits/kernel"] = (hidden, tables[table])
    return shapes


def num_parameters(configuration: Configuration) -> int:
    """How many numbers the network has learned."""
    return sum(math.prod(shape) for shape in weight_shapes(configuration).values())
