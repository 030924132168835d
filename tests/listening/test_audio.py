"""What is rendered is the piece: its pitches, instruments, times and loudness, never clipped, and with an end that does not click."""

import io
from functools import cache
from itertools import pairwise
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
from soundfonts import LEFT, RIGHT, sf2
from tiny import bands, chorales, tunes

from musicgen.listening.audio import FADE, FORMATS, LOUDEST, RATE, TAIL, TooLongError, check_length, encoded, render
from musicgen.listening.instruments import FAMILIES, FAMILY_SIZE, NAMES, name_of, nearest
from musicgen.listening.ogg import checksum, with_serial
from musicgen.listening.performance import performance
from musicgen.listening.resampling import resampled
from musicgen.listening.soundfont import Soundfont, SoundfontError, default_soundfont
from musicgen.listening.synthesizer import TIMBRES
from musicgen.piece import Note, Part, Piece, Tempo

STEP = 60 / (120 * 12)  # seconds
VIOLIN, FLUTE = 40, 73  # a violin's lowest partial is its strongest


@cache
def general_midi() -> Soundfont:
    path = default_soundfont()
    return Soundfont.of(path.read_bytes(), path)


def tiny_soundfont(presets=None) -> Soundfont:
    return Soundfont.of(sf2(presets), Path("tiny.sf2"))


ROADS = pytest.mark.parametrize("soundfont", [pytest.param(general_midi, id="midirenderer"), pytest.param(lambda: None, id="numpy")])


def melody(*pitches: int, program: int = VIOLIN, velocity: int = 20, tempo: float = 120.0, is_drum: bool = False, duration: int = 12) -> Piece:
    notes = tuple(Note(duration * number, pitch, duration, velocity) for number, pitch in enumerate(pitches))
    return Piece((Part("", program, is_drum, notes),), tempos=(Tempo(0, tempo),))


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.square(samples, dtype=np.float64).mean()))


def between(samples: np.ndarray, begin: float, end: float) -> np.ndarray:
    """Both sides together, between two seconds."""
    return samples[round(begin * RATE) : round(end * RATE)].mean(axis=1)


def spectrum(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies and their power."""
    return np.fft.rfftfreq(len(samples), 1 / RATE), np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2


def pitch_of(samples: np.ndarray) -> float:
    """The MIDI pitch of the strongest wave."""
    frequencies, power = spectrum(samples)
    return 69 + 12 * float(np.log2(frequencies[power.argmax()] / 440))


def brightness(samples: np.ndarray) -> float:
    """Hz, the mean frequency of the power."""
    frequencies, power = spectrum(samples)
    return float((frequencies * power).sum() / power.sum())


@ROADS
@pytest.mark.parametrize("piece", [chorales()[0].between(0, 96), bands()[0].between(0, 96)], ids=["chorale", "band"])
def test_a_piece_is_heard_as_long_as_it_lasts(soundfont, piece):
    samples = render(piece, soundfont())

    assert (samples.dtype, samples.shape[1]) == (np.float32, 2)
    assert piece.seconds <= len(samples) / RATE <= piece.seconds + TAIL + 1 / RATE
    assert abs(samples).max() <= LOUDEST
    assert all(rms(samples[begin : begin + RATE]) > 0.003 for begin in range(0, round((piece.seconds - 1) * RATE), RATE))


@ROADS
@pytest.mark.parametrize("pitch", [48, 60, 69, 81])
def test_a_note_has_its_pitch(soundfont, pitch):
    samples = render(melody(pitch, duration=24), soundfont())

    assert pitch_of(between(samples, 0.2, 0.9)) == pytest.approx(pitch, abs=0.5)


@ROADS
def test_notes_come_in_their_order_and_rests_are_silent(soundfont):
    notes = (Note(0, 60, 12), Note(12, 67, 12), Note(60, 55, 12))
    samples = render(Piece((Part("", VIOLIN, False, notes),)), soundfont())

    for begin, pitch in ((0.1, 60), (0.6, 67), (2.6, 55)):
        assert pitch_of(between(samples, begin, begin + 0.35)) == pytest.approx(pitch, abs=0.5)
    assert rms(between(samples, 2.0, 2.45)) < 0.05 * rms(between(samples, 2.6, 2.95))


@ROADS
def test_twice_the_tempo_is_half_the_length(soundfont):
    slow, fast = (render(melody(*(60, 64, 67, 72) * 2, tempo=tempo), soundfont()) for tempo in (120.0, 240.0))

    assert (len(slow) - len(fast)) / RATE == pytest.approx(2.0, abs=0.2)  # of four seconds; what dies away lasts as long


@ROADS
def test_a_change_of_tempo_is_followed(soundfont):
    piece = Piece((Part("", VIOLIN, False, (Note(0, 60, 24), Note(24, 72, 24))),), tempos=(Tempo(0, 120.0), Tempo(24, 60.0)))
    samples = render(piece, soundfont())

    assert piece.seconds == 3
    assert pitch_of(between(samples, 0.6, 0.95)) == pytest.approx(60, abs=0.5)
    assert pitch_of(between(samples, 2.4, 2.95)) == pytest.approx(72, abs=0.5)


@ROADS
def test_what_is_played_louder_is_louder(soundfont):
    levels = [rms(render(melody(60, velocity=velocity), soundfont())) for velocity in (7, 15, 31)]

    for quieter, louder in pairwise(levels):
        assert 2.5 < louder / quieter < 6  # the square of velocities of which one is twice the other


@ROADS
def test_drums_are_drums(soundfont):
    kick, snare, hat = (render(melody(*(key,) * 4, program=0, is_drum=True, velocity=28), soundfont()) for key in (36, 38, 42))

    assert all(rms(samples[:RATE]) > 0.005 for samples in (kick, snare, hat))
    assert brightness(between(kick, 0, 2)) < 500
    assert brightness(between(kick, 0, 2)) < brightness(between(snare, 0, 2)) < brightness(between(hat, 0, 2))
    assert brightness(between(hat, 0, 2)) > 3000


@ROADS
def test_instruments_differ(soundfont):
    def colour(program: int) -> np.ndarray:
        """How the power is divided among bands of 200 Hz."""
        _, power = spectrum(between(render(melody(60, program=program, duration=24), soundfont()), 0.1, 0.9))
        bands_of = np.add.reduceat(power, np.arange(0, 8000, 160))
        return bands_of / bands_of.sum()

    flute, trumpet, piano = map(colour, (FLUTE, 56, 0))
    assert min(abs(flute - trumpet).sum(), abs(flute - piano).sum(), abs(trumpet - piano).sum()) > 0.1


@ROADS
def test_the_end_fades_and_does_not_click(soundfont):
    for piece in (melody(60, 60), chorales()[0].between(0, 24), melody(36, is_drum=True, program=0)):
        samples = render(piece, soundfont())
        last = samples[-round(FADE * RATE) :]
        assert (samples[-1] == 0).all()
        assert abs(last[-RATE // 100 :]).max() < 0.1 * abs(samples).max()
        assert abs(np.diff(last, axis=0)).max() < 0.02


@ROADS
def test_silence_at_the_end_is_left_out(soundfont):
    assert len(render(melody(60, program=0, duration=2), soundfont())) / RATE < 2 * STEP + TAIL / 2 + 0.5


@ROADS
def test_equal_pieces_give_equal_bytes(soundfont):
    one, other = (render(bands()[0].between(0, 24), soundfont()) for _ in range(2))

    assert (one == other).all()
    assert all(encoded(one, kind) == encoded(other, kind) for kind in FORMATS)


@ROADS
def test_nothing_is_clipped_however_loud(soundfont):
    unison = Piece(tuple(Part("", FLUTE, False, (Note(0, 69, 24, 31),)) for _ in range(15)))
    font = None if soundfont() is None else tiny_soundfont()  # a flute of one sine wave
    samples = render(unison, font)

    assert abs(samples).max() == pytest.approx(LOUDEST, abs=1e-6)
    assert (abs(samples) > 0.999 * LOUDEST).mean() < 0.05
    frequencies, power = spectrum(between(samples, 0.3, 0.9))
    near = [power[abs(frequencies - 440 * harmonic) < 20].sum() for harmonic in (1, 5, 7)]  # a clipped wave has odd ones
    assert max(near[1:]) < 1e-5 * near[0]


def test_left_is_left():
    font = tiny_soundfont({(0, 0): LEFT, (0, 1): RIGHT})
    left, right = (render(melody(69, program=program), font) for program in (0, 1))

    assert rms(left[:RATE, 0]) > 5 * rms(left[:RATE, 1])
    assert rms(right[:RATE, 1]) > 5 * rms(right[:RATE, 0])


def test_more_parts_than_channels_keep_their_instruments():
    parts = [Part("", 0, False, (Note(0, 60 + number, 12),)) for number in range(15)]
    parts.append(Part("", 1, False, (Note(0, 80, 12), Note(36, 69, 24))))  # shares a channel with the first
    samples = render(Piece(tuple(parts)), tiny_soundfont({(0, 0): LEFT, (0, 1): RIGHT}))

    assert rms(samples[: RATE // 2, 0]) > 2 * rms(samples[: RATE // 2, 1])
    assert rms(samples[2 * RATE : 5 * RATE // 2, 1]) > 5 * rms(samples[2 * RATE : 5 * RATE // 2, 0])
    assert pitch_of(between(samples, 1.6, 2.4)) == pytest.approx(69, abs=0.5)


def test_a_performance_is_what_the_piece_says():
    piece = bands()[0]
    song = mido.MidiFile(file=io.BytesIO(performance(piece, 90, TAIL)))
    messages = [message for message in song if message.type == "note_on"]

    assert song.length == pytest.approx(piece.seconds + TAIL, abs=0.05)
    assert sorted((m.channel, m.note, m.velocity) for m in messages) == sorted(
        (9 if part.is_drum else number, note.pitch, min(127, 4 * note.velocity + 3)) for number, part in enumerate(piece.parts) for note in part.notes
    )
    assert {(m.channel, m.program) for m in song if m.type == "program_change"} == {(9, 0), (1, 0), (2, 33)}
    assert {m.value for m in song if m.type == "control_change"} == {90}


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_reads_back_as_long_as_it_is(kind):
    samples = render(tunes()[0].between(0, 36), None)
    back, rate = soundfile.read(io.BytesIO(encoded(samples, kind)), always_2d=True)

    assert rate == RATE
    assert back.shape[1] == 2
    assert len(back) / RATE == pytest.approx(len(samples) / RATE, abs=0.06)
    assert rms(back) == pytest.approx(rms(samples), rel=0.02)
    if kind in ("wav", "flac"):
        assert abs(back - samples).max() <= 1 / 32768


def test_a_serial_number_comes_with_its_checksum():
    written = encoded(np.zeros((20_000, 2), np.float32), "ogg")
    page = written[:28] + written[28 : 28 + written[27]]

    assert with_serial(with_serial(written, 77), 0) == written != with_serial(written, 77)
    assert soundfile.info(io.BytesIO(with_serial(written, 77))).frames == 20_000
    assert checksum(page[:22] + bytes(4) + page[26:]) == int.from_bytes(page[22:26], "little")
    with pytest.raises(ValueError, match="no Ogg page"):
        with_serial(written + b"more", 0)


@pytest.mark.parametrize(("rate", "new_rate"), [(48_000, 44_100), (44_100, 48_000), (32_000, 44_100)])
def test_resampling_keeps_every_wave_in_its_place(rate, new_rate):
    def waves(rate: int) -> np.ndarray:
        time = np.arange(rate // 2) / rate
        return np.stack([np.sin(2 * np.pi * frequency * time) for frequency in (0.5, 440, 9_000)], axis=1).astype(np.float32)

    new = resampled(waves(rate), rate, new_rate)
    assert new.shape == (new_rate // 2, 3)
    assert abs(new - waves(new_rate))[100:-100].max() < 1e-4


def test_what_the_new_rate_cannot_hold_is_gone():
    wave = np.sin(2 * np.pi * 23_000 * np.arange(24_000) / 48_000).astype(np.float32)[:, None]

    assert abs(resampled(wave, 48_000, RATE))[100:-100].max() < 1e-3


def test_what_would_fill_the_memory_is_refused():
    hours = melody(60, duration=12_000, tempo=50.0)

    check_length(hours, 30)
    with pytest.raises(TooLongError, match=r"lasts 20\.0 minutes, where the limit is 10, and would take .* GB of memory"):
        check_length(hours, 10)


# soundfonts


def test_the_soundfont_that_comes_along_has_every_instrument():
    assert general_midi().programs == frozenset(range(128))
    assert {0, 25, 40} <= general_midi().kits
    assert general_midi().cast(bands()[0]) == (bands()[0], ())


def test_every_family_has_its_instruments_and_its_sound():
    assert len(FAMILIES) == len(TIMBRES) == 128 // FAMILY_SIZE
    assert all(len(members.split(", ")) == FAMILY_SIZE for _, members in FAMILIES)
    assert (NAMES[0], NAMES[40], NAMES[73], NAMES[127]) == ("grand piano", "violin", "flute", "gunshot")


@pytest.mark.parametrize(
    ("program", "there", "is_drum", "taken"),
    [
        (73, {0, 72, 79, 74}, False, 72),  # of two that are as near, the lower
        (73, {0, 71, 79}, False, 79),  # its own family before a nearer stranger
        (73, {0, 71, 90}, False, 71),
        (25, {0, 24, 26, 48}, True, 24),
        (40, {0, 32, 48}, True, 0),  # of drums the standard kit before other families
        (40, {32, 56}, True, 32),
    ],
)
def test_the_nearest_instrument_is_of_the_same_family(program, there, is_drum, taken):
    assert nearest(program, there, is_drum) == taken


def test_what_a_soundfont_lacks_is_played_by_another_and_said():
    font = tiny_soundfont({(0, 72): LEFT, (0, 0): RIGHT})
    piece = Piece((*melody(69, program=FLUTE).parts, *melody(36, program=8, is_drum=True).parts))
    cast, notices = font.cast(piece)

    assert [part.program for part in cast.parts] == [72]
    assert notices == (
        "the soundfont tiny.sf2 has no flute (program 73): piccolo (program 72) plays instead",
        "the soundfont tiny.sf2 has no drums: the part of the room kit (program 8) is left out",
    )
    assert name_of(3, True) == "drum kit (program 3)"
    samples = render(piece, font)
    assert rms(samples[:RATE, 0]) > 5 * rms(samples[:RATE, 1])
    with pytest.raises(SoundfontError, match="none of the instruments"):
        render(melody(36, is_drum=True), font)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "does not begin with RIFF and sfbk"),
        (b"MThd" + bytes(100), "does not begin with RIFF and sfbk"),
        (sf2()[:-10], "cut off: "),
        (sf2()[:50], "cut off: "),
        (sf2(version=3), "SF3.* take an SF2"),
        (sf2(kind=0x11), "SF3.* take an SF2"),
        (sf2({}), "no instruments in it"),
        (sf2({(5, 0): LEFT}), "no instruments in it"),
        (sf2().replace(b"smpl", b"xmpl"), "not whole"),
        (sf2().replace(b"phdrL\0\0\0", b"phdr\xff\0\0\0"), "not whole|no instruments|damaged"),
        (sf2().replace(b"shdr\x5c\0\0\0", b"shdr\xff\xff\0\0"), "damaged soundfont"),
    ],
)
def test_what_is_no_soundfont_is_refused(content, words):
    with pytest.raises(SoundfontError, match=words):
        Soundfont.of(content, Path("some.sf2"))
