"""The engine is the network: the same numbers as Keras, for every kind of cell, and the same to the bit among any neighbours."""

import warnings

import numpy as np
import pytest
from tiny import bands, chorales, configuration_of, random_model, random_weights, tunes

from musicgen.encoding.context import FAMILIAR, NO_LEAP, NOTHING, OWN_RECENT, RECENT, WIDEST_LEAP, Context, context_of
from musicgen.encoding.tokens import encode
from musicgen.encoding.vocabulary import DURATION, FIELDS, NAMES, PART, PITCH, TIME_SHIFT, VELOCITY
from musicgen.learning.batches import Window, batch_of, example_of
from musicgen.model.configuration import INTERVALS, STATES, WIDEST_INTERVAL, num_parameters, weight_shapes
from musicgen.model.engine import Engine
from musicgen.model.relative import Relative
from musicgen.piece import Meter, Note, Part, Piece

CORPORA = {"tunes": tunes, "chorales": chorales, "bands": bands}
NETWORKS = [
    ("lstm", "tanh", 1, "tunes", True),
    ("lstm", "tanh", 3, "chorales", True),
    ("lstm", "tanh", 2, "bands", False),
    ("gru", "tanh", 1, "bands", True),
    ("gru", "tanh", 2, "tunes", True),
    ("gru", "tanh", 3, "chorales", False),
    ("rnn", "tanh", 1, "chorales", True),
    ("rnn", "tanh", 3, "bands", True),
    ("rnn", "relu", 1, "bands", True),
    ("rnn", "relu", 2, "tunes", True),
]


@pytest.fixture(scope="module")
def keras_network():
    """Builds the Keras network of a configuration, and names its weights as the model file does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorFlow's own
        import keras

        from musicgen.learning import network

    def build(configuration):
        keras.utils.set_random_seed(0)
        given = network.inputs(configuration)
        model = keras.Model(given, network.logits(given, configuration))
        return model, {f"{layer.name}/{weight.name}": weight for layer in model.layers for weight in layer.trainable_weights}

    return build


def log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


@pytest.mark.slow
@pytest.mark.parametrize(("cell", "activation", "layers", "corpus", "residual"), NETWORKS)
def test_the_engine_equals_the_keras_network(keras_network, cell, activation, layers, corpus, residual):
    shape = {"cell": cell, "activation": activation, "layers": layers, "units": 24, "head_units": 20, "residual": residual}
    configuration = configuration_of(CORPORA[corpus](), **shape)
    network, variables = keras_network(configuration)
    assert {name: tuple(variable.shape) for name, variable in variables.items()} == weight_shapes(configuration)
    assert sum(int(np.prod(variable.shape)) for variable in variables.values()) == num_parameters(configuration)

    # the weights that training begins with, which keep the recurrence stable, and noise, so that none is zero
    random = np.random.default_rng(layers)
    weights = {name: variable.numpy() + random.normal(0, 0.05, variable.shape).astype(np.float32) for name, variable in variables.items()}
    for name, variable in variables.items():
        variable.assign(weights[name])
    examples = [example_of(encode(piece), configuration.vocabulary, configuration.slots) for piece in CORPORA[corpus]()]
    nats = Engine(configuration, weights).nats([example.ids for example in examples], [example.context for example in examples])

    length = max(len(example.ids) for example in examples)
    windows = [Window(number, 0, len(example.ids), 0) for number, example in enumerate(examples)]
    given, notes, says = batch_of(examples, windows, Relative(configuration), len(windows), length)
    chances = {name: log_softmax(logits.numpy()) for name, logits in network(given).items()}
    assert list(chances) == [NAMES[field] for field in configuration.vocabulary.active]
    for field in range(len(FIELDS)):
        for piece, example in enumerate(examples):
            rows = len(example.ids)
            if field in configuration.vocabulary.active:
                expected = -np.take_along_axis(chances[NAMES[field]][piece, :rows], notes[piece, :rows, field : field + 1], axis=1)[:, 0]
            else:
                expected = np.zeros(rows)
            np.testing.assert_allclose(nats[piece][:, field], expected * says[piece, :rows, field], atol=1e-5, err_msg=NAMES[field])


def rows_of(configuration, takes: int) -> tuple[np.ndarray, Context]:
    """Any notes (B, 5) and surroundings of as many takes."""
    random = np.random.default_rng(5)
    vocabulary = configuration.vocabulary
    note = np.column_stack([random.integers(0, size, takes) for size in vocabulary.sizes]).astype(np.int32)
    note[:, TIME_SHIFT] = np.minimum(note[:, TIME_SHIFT], vocabulary.end - 1)
    slots = (takes, configuration.slots)
    sounding = np.stack(
        [
            random.integers(-1, len(vocabulary.parts), slots),
            random.integers(0, 128, slots),
            random.integers(0, 99, slots),
            random.integers(0, 99, slots),
            random.integers(-WIDEST_LEAP, NO_LEAP + 1, slots),
            random.integers(0, 99, slots),
        ],
        axis=-1,
    ).astype(np.int32)
    sounding[sounding[..., 0] < 0] = NOTHING
    place, pitches = random.integers(0, 48, (2, takes)), random.integers(-1, 128, (2, takes))
    counts, recent = random.integers(-4, 9, takes), random.integers(0, 9, (takes, len(RECENT), 12))
    own_recent = random.integers(0, 9, (takes, len(OWN_RECENT), 12))
    bar, familiar = np.full(takes, 48), random.integers(0, len(FAMILIAR) + 1, takes)
    recalled = np.stack([sounding[:, 0, column] for column in (2, 0, 1, 3)], axis=1)
    now = place[0], bar, sounding, counts, counts + 4, counts, recent, familiar, recalled
    return note, Context(*now, place[1], bar, *pitches, own_recent)


@pytest.mark.parametrize(("cell", "units", "corpus"), [("lstm", 24, "bands"), ("lstm", 200, "chorales"), ("gru", 24, "tunes"), ("rnn", 17, "bands")])
def test_a_take_alone_is_the_take_among_others_to_the_bit(cell, units, corpus):
    engine = random_model(CORPORA[corpus](), cell=cell, units=units, layers=2, head_units=64).engine
    vocabulary = engine.vocabulary
    takes = 40
    notes, contexts = rows_of(engine.configuration, takes)

    def steps(some: slice) -> list[np.ndarray]:
        note, now = notes[some], Context(*(column[some] for column in contexts))
        state = engine.start(len(note))
        for _ in range(3):
            state = engine.step(state, note, now)
        features = engine.features(state)
        return [*state, *(engine.logits(field, features, note, now) for field in vocabulary.active)]

    everyone = steps(slice(0, takes))
    for some in (slice(0, 1), slice(7, 8), slice(0, 5), slice(3, 5), slice(20, 37)):
        for alone, among_others in zip(steps(some), everyone, strict=True):
            np.testing.assert_array_equal(alone, among_others[some])


@pytest.mark.parametrize("corpus", CORPORA)
def test_a_piece_alone_is_judged_as_among_others(corpus):
    engine = random_model(CORPORA[corpus](), layers=2).engine
    sequences = [(encode(piece), piece.meters) for piece in (*CORPORA[corpus](), Piece((), (Meter(0, 4, 4),)))]
    ids = [engine.vocabulary.ids(sequence) for sequence, _ in sequences]
    contexts = [context_of(rows, meters, engine.vocabulary, engine.configuration.slots) for rows, (_, meters) in zip(ids, sequences, strict=True)]
    together = engine.nats(ids, contexts)

    for number, nats in enumerate(together):
        np.testing.assert_array_equal(engine.nats([ids[number]], [contexts[number]])[0], nats)
        # and what comes later does not change what came before
        beginning = Context(*(values[:7] for values in contexts[number]))
        np.testing.assert_array_equal(engine.nats([ids[number][:7]], [beginning])[0], nats[:7])
    assert engine.nats([], []) == []


def test_fields_that_are_not_predicted_surprise_nobody():
    engine = random_model(tunes()).engine
    sequence = encode(tunes()[0])
    ids = engine.vocabulary.ids(sequence)
    (nats,) = engine.nats([ids], [context_of(ids, tunes()[0].meters, engine.vocabulary, engine.configuration.slots)])

    assert [NAMES[field] for field in engine.vocabulary.active] == ["time_shift", "pitch", "duration"]
    assert (nats[:, [1, 4]] == 0).all()
    assert (nats[:-1, [0, 2, 3]] > 0).all()
    assert nats[-1, 0] > 0
    assert (nats[-1, 1:] == 0).all()  # the end has no pitch


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_without_weights_every_choice_is_equally_likely(cell):
    configuration = configuration_of(bands(), cell=cell, layers=2)
    engine = Engine(configuration, {name: np.zeros_like(array) for name, array in random_weights(configuration).items()})
    sequence = encode(bands()[0])
    ids = engine.vocabulary.ids(sequence)
    (nats,) = engine.nats([ids], [context_of(ids, bands()[0].meters, engine.vocabulary, configuration.slots)])

    uniform = np.broadcast_to(np.log(engine.vocabulary.sizes), nats[:-1].shape)
    np.testing.assert_allclose(nats[:-1, [DURATION, VELOCITY]], uniform[:, [DURATION, VELOCITY]], rtol=1e-6)
    np.testing.assert_allclose(nats[0], uniform[0], rtol=1e-6)
    assert (nats[:-1] <= uniform + 1e-4).all()  # but for what is out of order


def test_what_is_out_of_order_is_next_to_impossible():
    low, high = (Part("", program, False, (Note(0, 60, 12), Note(12, 62, 12), Note(24, 64, 12))) for program in (0, 1))
    nothing = {"by_interval": []}
    piece = Piece((low, high))  # rows: 60, 60, 62, 62, 64, 64 of the parts in turn

    assert logits_beside(piece, nothing, 1, TIME_SHIFT) == {-1: -12}  # it can't end while notes are held
    assert logits_beside(piece, nothing, 2, TIME_SHIFT) == {0: -12, -1: -12}  # after the last part nothing more begins at once
    assert logits_beside(piece, nothing, 6, TIME_SHIFT) == {0: -12}
    assert logits_beside(piece, nothing, 1, PART) == {0: -12}  # the first has begun its note
    assert logits_beside(piece, nothing, 2, PART) == {}
    chord = Piece((Part("", 0, False, (Note(0, 60, 12), Note(0, 62, 12), Note(12, 61, 12))),))
    assert logits_beside(chord, nothing, 1, PITCH) == {60: -12}
    assert logits_beside(chord, nothing, 2, PITCH) == {}


def logits_beside(piece: Piece, notes: dict[str, list[tuple[int, float]]], row: int, field: int = PITCH) -> dict[int, float]:
    """The logits of a field in one row of a piece by value, -1 the end, where tables of pitch, at these entries, have these.

    They have them twice, as vectors and as logits that the state says, half of it each, but for those that have no other than vectors.
    """
    configuration = configuration_of((piece,))
    weights = {name: np.zeros_like(array) for name, array in random_weights(configuration).items()}
    weights["pitch_state/bias"][0] = 1  # a feature that is always 1
    weights["pitch_slope/bias"][0] = weights["pitch_bend/bias"][1] = 1
    for table, entries in notes.items():
        vectors = weights[f"pitch_{table}/{'kernel' if table == 'by_recent' else 'embeddings'}"]
        said = weights.get(f"pitch_{table}_logits/kernel")
        for entry, logit in entries:
            vectors[entry, :2] = logit / (4 if said is not None else 2)
            if said is not None:
                said[0, entry] = logit / 2
    engine = Engine(configuration, weights)
    ids = engine.vocabulary.ids(encode(piece))
    now = Context(*(column[row : row + 1] for column in context_of(ids, piece.meters, engine.vocabulary, configuration.slots)))
    logits = engine.logits(field, engine.features(engine.start(1)), ids[row : row + 1], now)[0]
    values = engine.vocabulary.values[field] + ((-1,) if field == TIME_SHIFT else ())
    return {int(value): float(logit) for value, logit in zip(values, logits, strict=True) if logit}


def test_a_pitch_is_drawn_by_its_interval_to_what_was_played_and_what_sounds():
    def line(*pitches: int) -> tuple[Note, ...]:
        return tuple(Note(12 * beat, pitch, 12) for beat, pitch in enumerate(pitches))

    piece = Piece((Part("", 0, False, line(60, 62, 72)), Part("", 0, False, (Note(0, 48, 36),))))  # rows 60, 48, 62, 72
    third, wide = WIDEST_INTERVAL + 4, INTERVALS

    assert logits_beside(piece, {"by_interval": [(third, 2.0)]}, 2) == {64: 2.0}  # above 60
    assert logits_beside(piece, {"by_followed": [(third, 3.0)]}, 2) == {64: 3.0}
    assert logits_beside(piece, {"by_sounding": [(third, 1.0)]}, 1) == {64: 1.0}  # above 60, which begins here too
    assert logits_beside(piece, {"by_sounding": [(wide + third, 1.0)]}, 2) == {52: 1.0}  # above 48, which goes on
    assert logits_beside(piece, {"by_sounding": [(2 * wide + third, 1.0)]}, 2) == {64: 1.0}  # above 60, which ends here
    assert logits_beside(piece, {"by_recent": [(10, 1.0)]}, 1) == {50: 12.0, 62: 12.0}  # a step above all that was heard lately


def test_a_parallel_is_told_by_the_interval_in_which_it_would_be():
    upper = Part("", 0, False, (Note(0, 67, 12), Note(12, 69, 12)))
    lower = Part("", 0, False, (Note(0, 60, 12), Note(12, 65, 12)))  # rows 67, 60, 69, 65
    fifth = 12 - 7  # below

    assert logits_beside(Piece((upper, lower)), {"by_motion": [(fifth, -4.0)]}, 3) == {62: -2.0}  # bent away below 0
    assert logits_beside(Piece((upper, lower)), {"by_motion": [(fifth, 4.0)]}, 3) == {62: 4.0}
    assert logits_beside(Piece((upper, lower)), {"by_motion": [(entry, 4.0) for entry in range(12) if entry != fifth]}, 3) == {}
    assert logits_beside(Piece((upper, lower)), {"by_motion": [(fifth, 4.0)]}, 2) == {}  # nothing has begun with it yet
    resting = Part("", 0, False, (Note(0, 67, 12), Note(12, 67, 12)))
    assert logits_beside(Piece((resting, lower)), {"by_motion": [(entry, 4.0) for entry in range(12)]}, 3) == {}


def test_drums_and_pitches_do_not_compare():
    piece = Piece((Part("", 0, False, (Note(0, 60, 12), Note(12, 64, 12))), Part("", 0, True, (Note(0, 60, 12), Note(12, 64, 12)))))
    every = {"by_sounding": [(entry, 1.0) for entry in range(len(STATES) * INTERVALS)]}

    assert set(logits_beside(piece, every, 0).values()) == set()
    assert set(logits_beside(piece, every, 1).values()) == set()  # a drum, beside a piano
    assert set(logits_beside(piece, every, 2).values()) == {1.0}  # a piano, beside itself and a drum
    assert logits_beside(piece, {"by_recent": [(0, 1.0)]}, 3) == {}


def test_what_is_recalled_is_told_by_how_familiar_it_is_and_whether_the_note_has_been_it_so_far():
    piece = Piece((Part("", 0, False, tuple(Note(12 * beat, 60 + 2 * (beat % 3), 6 + 6 * (beat % 2)) for beat in range(12))),))
    configuration = configuration_of((piece,))
    vocabulary, relative = configuration.vocabulary, Relative(configuration)
    ids = vocabulary.ids(encode(piece))
    now = Context(*(column[9:10] for column in context_of(ids, piece.meters, vocabulary, configuration.slots)))  # 2 notes in a row are familiar
    found = {}
    for late in (False, True):
        note = ids[9:10] + np.eye(1, len(FIELDS), TIME_SHIFT, dtype=np.int32) * late
        for field in relative.sizes:
            entry, value = np.divmod(relative.compare(field, note, now)["by_recall"], vocabulary.sizes[field] + 1)
            assert value == ids[9, field]
            found[NAMES[field], late] = int(entry[0, 0])

    assert found == {
        ("time_shift", False): 5,
        ("time_shift", True): 5,
        ("pitch", False): 5,
        ("pitch", True): 4,
        ("duration", False): 5,
        ("duration", True): 4,
    }
