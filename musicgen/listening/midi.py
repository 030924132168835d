"""Piece -> MIDI file, with pretty_midi: named tracks, programs, tempi, meters and key signatures, every note on its tick.

Conventions: pretty_midi counts seconds, MIDI counts ticks. Each time here is the second that pretty_midi itself gives
for a whole tick, so it finds the same tick again and no rounding enters.
"""

import io

import pretty_midi

from musicgen.piece import Change, Part, Piece

TICKS_PER_QUARTER = 480  # or the nearest multiple of the grid, or fewer where the piece would not fit
MAX_TICKS = 9_000_000  # pretty_midi takes ten million for a broken file


def midi_bytes(piece: Piece, text: str = "") -> bytes:
    """The piece as a type 1 MIDI file that `reading.midi.read_midi` reads as an equal piece if all its parts play.

    Args:
        text: a text event at the beginning, which changes nothing that sounds: how the piece was made.
    """
    changes: tuple[Change, ...] = (*piece.meters, *piece.tempos, *piece.keys)
    last_step = max(piece.end, *(change.onset for change in changes))
    ticks_per_step = max(1, min(round(TICKS_PER_QUARTER / piece.steps_per_quarter), MAX_TICKS // max(1, last_step)))
    ticks_per_quarter = ticks_per_step * piece.steps_per_quarter
    # pretty_midi cuts the fraction of a microsecond off where MIDI wants it rounded: half of one on top is safe either way
    seconds_per_tick = [(round(60e6 / tempo.quarters_per_minute) + 0.5) / 1e6 / ticks_per_quarter for tempo in piece.tempos]
    song = pretty_midi.PrettyMIDI(resolution=ticks_per_quarter, charset="utf-8")
    # there is no public way to write more than one tempo
    song._tick_scales = [(tempo.onset * ticks_per_step, scale) for tempo, scale in zip(piece.tempos, seconds_per_tick, strict=True)]
    song._update_tick_to_time(last_step * ticks_per_step)

    def seconds(step: int) -> float:
        return float(song.tick_to_time(step * ticks_per_step))

    song.time_signature_changes = [
        pretty_midi.TimeSignature(numerator, denominator, seconds(onset)) for onset, numerator, denominator in piece.meters
    ]
    song.key_signature_changes = [pretty_midi.KeySignature(key.tonic + 12 * key.is_minor, seconds(key.onset)) for key in piece.keys]
    song.text_events = [pretty_midi.Text(text, 0.0)] if text else []
    song.instruments = [_instrument(part, seconds) for part in piece.parts]
    file = io.BytesIO()
    song.write(file)
    return file.getvalue()


def _instrument(part: Part, seconds) -> pretty_midi.Instrument:
    instrument = pretty_midi.Instrument(part.program, part.is_drum, part.name)
    instrument.notes = [
        pretty_midi.Note(min(127, 4 * velocity + 3), pitch, seconds(onset), seconds(onset + duration))
        for onset, pitch, duration, velocity in part.notes
    ]
    return instrument
