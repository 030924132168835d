"""How a piece was made, as a text: it comes back as it was, whatever else a text says is refused, and what it says plays the same again."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from strategies import pieces
from tiny import bands, chorales, random_model

from musicgen.composing.attempts import STEP, Attempt, play_attempts
from musicgen.composing.composer import compose
from musicgen.composing.controls import Course, Density, Range
from musicgen.composing.givens import Rewriting
from musicgen.composing.plain import from_plain, to_plain
from musicgen.composing.record import Record, RecordError, find_record, fingerprint_of_notes
from musicgen.composing.request import Request
from musicgen.listening.midi import midi_bytes
from musicgen.piece import Key, Meter, Piece
from musicgen.reading.midi import read_midi

MODEL = random_model(chorales())
REQUEST = Request(
    bars=3,
    seed=bands()[0],
    temperature=Course(0.7, 1.1),
    rhythm_temperature=0.5,
    key=Key(0, -2, True),
    scale="blues",
    ranges=(Range("Alto", 50, 70),),
    parts=("Alto", "Bass"),
    density=Density(1.5, True),
    meter=Meter(0, 7, 8),
    tempo=90.0,
    drop_seed=True,
)


def record_of(request: Request = REQUEST, attempt: Attempt = Attempt(7, 2, -1)) -> Record:
    return Record.of(chorales()[0], MODEL, "tiny", request, attempt)


@pytest.mark.parametrize("request_", [REQUEST, Request(), Request(parts=2, temperature=0)], ids=["all", "none", "few"])
def test_a_record_comes_back_from_its_text(request_):
    record = record_of(request_)

    assert find_record(["something else", record.to_text(), "{"]) == (record, record.to_text())
    assert record.to_text().isascii()


@settings(max_examples=30, deadline=None)
@given(pieces())
def test_pieces_come_back_from_plain_values(piece):
    assert from_plain(json.loads(json.dumps(to_plain(piece))), type(piece)) == piece


REWRITING = Rewriting(chorales()[0], (2, None), (1, 3), "pitches", None, 0.5, 8)


@pytest.mark.parametrize("rewriting", [REWRITING, Rewriting(chorales()[0], melody=0)])
def test_a_record_of_what_was_rewritten_comes_back(rewriting):
    record = Record.of(chorales()[0], MODEL, "tiny", rewriting, Attempt(7))

    assert Record.from_text(record.to_text()) == record
    assert record.given == rewriting.piece


@pytest.mark.parametrize(
    "change", [{"parts": (9,)}, {"melody": -1}, {"keeps": "loudness"}, {"particles": 10**9}, {"temperature": 1e9}, {"piece": Piece(())}]
)
def test_what_nobody_could_have_rewritten_is_refused(change):
    with pytest.raises(RecordError):
        Record.from_text(Record.of(chorales()[0], MODEL, "tiny", replace(REWRITING, **change), Attempt(7)).to_text())


def test_a_temperature_that_stands_still_is_a_number():
    settings = record_of(Request(temperature=Course(0.8, 0.8), rhythm_temperature=Course(0.5, 1.0))).settings

    assert (settings["temperature"], settings["rhythm_temperature"]) == (0.8, [0.5, 1.0])


def test_there_is_no_record_in_other_texts():
    assert find_record(["", "{}", "copyright", "[" * 100_000]) is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("musicgen",), 1),
        (("musicgen",), "\x1b[2J"),
        (("musicgen",), "1" * 1000),
        (("model",), None),
        (("model", "name"), ["a"]),
        (("random_seed",), -1),
        (("random_seed",), 1.5),
        (("random_seed",), True),
        (("attempt",), 10**30),
        (("warmer",), 99),
        (("settings",), []),
        (("settings", "sharpness"), 1),
        (("settings", "bars"), 10**12),
        (("settings", "bars"), "16"),
        (("settings", "temperature"), "hot"),
        (("settings", "temperature"), float("nan")),
        (("settings", "temperature"), [0.5, 1e300]),
        (("settings", "temperature"), [0.5, 1, 2]),
        (("settings", "top_p"), 0),
        (("settings", "min_p"), 2),
        (("settings", "tempo"), 0.0),
        (("settings", "density"), [-1.0, False]),
        (("settings", "scale"), "__class__"),
        (("settings", "key"), [0, 77, False]),
        (("settings", "meter"), [0, 4, 3]),
        (("settings", "parts"), [1, 2]),
        (("settings", "seed", "parts"), {}),
        (("settings", "seed", "steps_per_quarter"), 0),
        (("settings", "seed", "parts", 0, "name"), "\x1b]0;x"),
        (("settings", "seed", "parts", 0, "program"), 128),
        (("settings", "seed", "parts", 0, "notes"), [[10**15, 60, 12, 20]]),
        (("settings", "seed", "parts", 0, "notes"), [[0, 60, 12, 99]]),
        (("settings", "seed", "parts", 0, "notes", 0), [0, 60]),
    ],
)
def test_what_nobody_could_have_asked_for_is_refused(path, value):
    document = json.loads(record_of().to_text())
    inside = document
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value

    with pytest.raises(RecordError) as error:
        Record.from_text(json.dumps(document))
    assert str(error.value).isprintable()


@pytest.mark.parametrize("text", ["", "null", "[]", "{", '{"musicgen":"0.1.0"}', '{"musicgen":' + "[" * 100_000])
def test_what_is_no_record_is_refused(text):
    with pytest.raises(RecordError):
        Record.from_text(text)


def test_notes_are_told_by_who_plays_what_when():
    piece = bands()[0]
    first, *rest = piece.parts
    louder = replace(first, notes=(first.notes[0]._replace(velocity=31), *first.notes[1:]))

    assert fingerprint_of_notes(read_midi(midi_bytes(piece))) == fingerprint_of_notes(piece)
    assert fingerprint_of_notes(replace(piece, parts=(*rest, replace(first, name="other")))) == fingerprint_of_notes(piece)
    assert fingerprint_of_notes(replace(piece, parts=(louder, *rest))) != fingerprint_of_notes(piece)


def test_the_same_model_has_the_same_fingerprint():
    again = random_model(chorales())
    other = {**MODEL.weights, "pitch_logits/kernel": MODEL.weights["pitch_logits/kernel"] + 1}

    assert replace(again, training={}, held_out_nats={}).fingerprint == MODEL.fingerprint
    assert len({MODEL.fingerprint, replace(MODEL, weights=other).fingerprint, random_model(bands()).fingerprint}) == 3


def test_tries_play_alone_as_among_others():
    request = Request(bars=2, closes=False, temperature=Course(0.8, 1.0))
    attempts = [Attempt(7), Attempt(8), Attempt(7, 1), Attempt(7, 2, 1), Attempt(8, 2, 1)]
    together = play_attempts(MODEL, request, attempts)

    assert together == [play_attempts(MODEL, request, [attempt])[0] for attempt in attempts]
    assert together[:2] == compose(MODEL, request, 7, 2)
    assert len({fingerprint_of_notes(piece) for piece in together}) == 5
    assert [piece.title for piece in together] == ["tiny 7", "tiny 8", "tiny 7", "tiny 7", "tiny 8"]
    assert Attempt(7, 2, 1).request(request) == replace(request, temperature=Course(0.8 * STEP, STEP))
