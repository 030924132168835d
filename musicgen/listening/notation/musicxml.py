"""Score -> MusicXML, as notation programs open it.

Conventions: one part a player, "score-partwise" 4.0; the `id` of a note is the letter n, the step in the piece at which it stands, and a number.
Source: MusicXML 4.0 (W3C Music Notation Community Group 2021).
"""

import re
from collections.abc import Iterable, Iterator
from itertools import count
from xml.sax.saxutils import escape, quoteattr

from musicgen.listening.instruments import KITS, NAMES
from musicgen.listening.notation.barring import Bar
from musicgen.listening.notation.drums import drum_of
from musicgen.listening.notation.score import Head, Player, Score, Sign
from musicgen.listening.notation.staves import KEYBOARDS, Clef
from musicgen.listening.notation.values import TYPES
from musicgen.piece import Part, Tempo

HEADER = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">
<score-partwise version="4.0">"""
FOREIGN = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")  # no characters of XML 1.0
VOICES_A_STAFF = 4  # numbers that are kept for each, as other programs do
CHANNELS = tuple(channel for channel in range(1, 17) if channel != 10)
DRUM_CHANNEL = 10
ABBREVIATIONS = {"violin": "Vln.", "viola": "Vla.", "violoncello": "Vc.", "cello": "Vc.", "contrabass": "Cb.", "piano": "Pno."}
LEAST_CHANGE = 0.08  # of a tempo, before the page says it again


def musicxml(score: Score) -> bytes:
    """The score as a file."""
    lines = [HEADER]
    if score.title:
        lines.append(f"<work><work-title>{text(score.title)}</work-title></work>")
    lines += ["<identification><encoding><software>musicgen</software></encoding></identification>", "<part-list>"]
    lines += [line for number, player in enumerate(score.players) for line in _score_part(number, player, score.players)]
    lines.append("</part-list>")
    identities = count()
    for number, player in enumerate(score.players):
        lines.append(f'<part id="P{number + 1}">')
        lines += _measures(score, player, number, identities)
        lines.append("</part>")
    return "\n".join([*lines, "</score-partwise>", ""]).encode()


def text(words: str) -> str:
    """Words as XML can hold them."""
    return escape(FOREIGN.sub("", words))


def name_of(parts: Iterable[Part]) -> str:
    """What stands before the first staff."""
    return ", ".join(dict.fromkeys(part.name or (KITS.get(part.program, "drums") if part.is_drum else NAMES[part.program]) for part in parts))


def abbreviated(name: str) -> str:
    """What stands before the later staves: "Violin I" is "Vln. I"."""
    words = [word.strip(",") for word in name.split()[:3]]
    return " ".join(ABBREVIATIONS.get(word.lower(), word if len(word) <= 4 else f"{word[:3]}.") for word in words)


def _score_part(number: int, player: Player, players: tuple[Player, ...]) -> Iterator[str]:
    first, name = player.parts[0], name_of(player.parts)
    begins, ends = _group(number, players)
    if begins:
        symbol = "brace" if first.program in KEYBOARDS else "bracket"
        yield f'<part-group type="start" number="1"><group-symbol>{symbol}</group-symbol><group-barline>yes</group-barline></part-group>'
    yield f'<score-part id="P{number + 1}"><part-name>{text(name)}</part-name><part-abbreviation>{text(abbreviated(name))}</part-abbreviation>'
    if first.is_drum:
        for drum in sorted({note.pitch for note in first.notes}):
            yield f'<score-instrument id="P{number + 1}-I{drum + 1}"><instrument-name>{drum_of(drum).name}</instrument-name></score-instrument>'
        for drum in sorted({note.pitch for note in first.notes}):
            yield f'<midi-instrument id="P{number + 1}-I{drum + 1}"><midi-channel>{DRUM_CHANNEL}</midi-channel>'
            yield f"<midi-program>{first.program + 1}</midi-program><midi-unpitched>{drum + 1}</midi-unpitched></midi-instrument>"
    else:
        identity = quoteattr(f"P{number + 1}-I1")
        yield f"<score-instrument id={identity}><instrument-name>{text(NAMES[first.program])}</instrument-name></score-instrument>"
        yield f"<midi-instrument id={identity}><midi-channel>{CHANNELS[number % len(CHANNELS)]}</midi-channel>"
        yield f"<midi-program>{first.program + 1}</midi-program></midi-instrument>"
    yield "</score-part>"
    if ends:
        yield '<part-group type="stop" number="1"/>'


def _group(number: int, players: tuple[Player, ...]) -> tuple[bool, bool]:
    """Whether a bracket begins or ends at a player: it holds neighbours with the same kind of instrument."""

    def is_bound(first: int, second: int) -> bool:
        if first < 0 or second >= len(players):
            return False
        one, other = (players[index].parts[0] for index in (first, second))
        return not one.is_drum and not other.is_drum and one.program // 8 == other.program // 8

    before, after = is_bound(number - 1, number), is_bound(number, number + 1)
    return after and not before, before and not after


def _measures(score: Score, player: Player, number: int, identities: Iterator[int]) -> Iterator[str]:
    bases, free = [], 1  # first voice number of each staff
    for staff in player.staves:
        bases.append(free)
        free += max(VOICES_A_STAFF, *(1 + max(voices) for voices in staff.bars))
    shown = 0.0  # the tempo that the page says
    for index, bar in enumerate(score.bars):
        implicit = ' implicit="yes"' if bar.is_upbeat else ""
        yield f'<measure number="{bar.number}"{implicit}>'
        yield from _attributes(score, player, index)
        if number == 0:
            for tempo in bar.tempos:
                is_said = abs(tempo.quarters_per_minute - shown) > LEAST_CHANGE * shown and tempo.onset <= bar.start
                shown = tempo.quarters_per_minute if is_said else shown
                yield _tempo(tempo, bar, score, is_said)
        ticks = (bar.end - bar.start) * score.ticks_per_quarter // score.steps_per_quarter
        rows = [
            (place, staff, base + voice, signs)
            for place, (staff, base) in enumerate(zip(player.staves, bases, strict=True))
            for voice, signs in staff.bars[index].items()
        ]
        for row, (place, staff, voice, signs) in enumerate(rows):
            if row:
                yield f"<backup><duration>{ticks}</duration></backup>"
            stem = "" if len(staff.bars[index]) == 1 else f"<stem>{'down' if (voice - bases[place]) % 2 else 'up'}</stem>"
            where = f"<staff>{place + 1}</staff>" if len(player.staves) > 1 else ""
            for sign in signs:
                yield from _sign(sign, player, number, voice, stem, where, identities)
        if index == len(score.bars) - 1:
            yield '<barline location="right"><bar-style>light-heavy</bar-style></barline>'
        yield "</measure>"


def _attributes(score: Score, player: Player, index: int) -> Iterator[str]:
    bar = score.bars[index]
    if not (bar.shows_meter or bar.shows_key):
        return
    yield "<attributes>"
    if index == 0:
        yield f"<divisions>{score.ticks_per_quarter}</divisions>"
    if bar.shows_key and not player.parts[0].is_drum:
        yield f"<key><fifths>{bar.key.fifths}</fifths><mode>{'minor' if bar.key.is_minor else 'major'}</mode></key>"
    if bar.shows_meter:
        yield f"<time><beats>{bar.meter.numerator}</beats><beat-type>{bar.meter.denominator}</beat-type></time>"
    if index == 0:
        if len(player.staves) > 1:
            yield f"<staves>{len(player.staves)}</staves>"
        for place, staff in enumerate(player.staves):
            yield _clef(staff.clef, f' number="{place + 1}"' if len(player.staves) > 1 else "")
    yield "</attributes>"


def _clef(clef: Clef, number: str) -> str:
    line = f"<line>{clef.line}</line>" if clef.line else ""
    octaves = f"<clef-octave-change>{clef.octaves}</clef-octave-change>" if clef.octaves else ""
    return f"<clef{number}><sign>{clef.sign}</sign>{line}{octaves}</clef>"


def _tempo(tempo: Tempo, bar: Bar, score: Score, is_said: bool) -> str:
    """A tempo: printed in beats of the meter, and told to programs that play."""
    is_compound = bar.meter.denominator == 8 and bar.meter.numerator % 3 == 0
    beats = tempo.quarters_per_minute / 1.5 if is_compound else tempo.quarters_per_minute
    unit = "<beat-unit>quarter</beat-unit>" + ("<beat-unit-dot/>" if is_compound else "")
    offset = max(0, tempo.onset - bar.start) * score.ticks_per_quarter // score.steps_per_quarter
    place = f"<offset>{offset}</offset>" if offset else ""
    sound = f'<sound tempo="{decimal(tempo.quarters_per_minute)}"'
    if not is_said:
        return f"{sound}>{place}</sound>" if place else f"{sound}/>"
    mark = f"<metronome>{unit}<per-minute>{round(beats)}</per-minute></metronome>"
    return f'<direction placement="above"><direction-type>{mark}</direction-type>{place}{sound}/></direction>'


def decimal(number: float) -> str:
    """A number without an exponent, which XML has no place for."""
    return f"{number:.3f}".rstrip("0").rstrip(".")


def _sign(sign: Sign, player: Player, number: int, voice: int, stem: str, where: str, identities: Iterator[int]) -> Iterator[str]:
    duration = f"<duration>{sign.end - sign.begin}</duration><voice>{voice}</voice>"
    if not sign.is_printed:
        yield f"<forward>{duration}{where}</forward>"
        return
    if sign.stretch is None:
        yield f'<note><rest measure="yes"/>{duration}{where}</note>'
        return
    value, tuplet = sign.stretch.value, sign.stretch.tuplet
    kind = f"<type>{TYPES[value.kind]}</type>" + "<dot/>" * value.dots
    time = bracket = ""
    if tuplet:
        time = f"<actual-notes>{tuplet.actual}</actual-notes><normal-notes>{tuplet.normal}</normal-notes>"
        time = f"<time-modification>{time}</time-modification>"
        bracket += '<tuplet type="start" bracket="yes"/>' if sign.begin == tuplet.start else ""
        bracket += '<tuplet type="stop"/>' if sign.end == tuplet.end else ""
    if not sign.heads:
        yield f"<note><rest/>{duration}{kind}{time}{where}{_notations(bracket)}</note>"
        return
    beams = "".join(f'<beam number="{row + 1}">{word}</beam>' for row, word in enumerate(sign.beams))
    for place, head in enumerate(sign.heads):
        chord = "<chord/>" if place else ""
        ties, tied = (f'<{tag} type="stop"/>' * head.is_tied_from + f'<{tag} type="start"/>' * head.is_tied_on for tag in ("tie", "tied"))
        pitch, instrument, shape = _pitch(head, player, number)
        accidental = f"<accidental>{head.accidental}</accidental>" if head.accidental and not instrument else ""
        looks = f"{kind}{accidental}{time}{stem}{shape}{where}{'' if place else beams}{_notations(tied if place else tied + bracket)}"
        yield (
            f'<note id="n{sign.onset}-{next(identities)}">{chord}{pitch}<duration>{sign.end - sign.begin}</duration>{ties}{instrument}'
            f"<voice>{voice}</voice>{looks}</note>"
        )


def _notations(inner: str) -> str:
    return f"<notations>{inner}</notations>" if inner else ""


def _pitch(head: Head, player: Player, number: int) -> tuple[str, str, str]:
    """The pitch or the place of a note, its instrument where it is one of several, and its head where it is not the usual one."""
    if player.parts[0].is_drum:
        drum = drum_of(head.pitch)
        place = f"<unpitched><display-step>{drum.letter}</display-step><display-octave>{drum.octave}</display-octave></unpitched>"
        shape = "" if drum.head == "normal" else f"<notehead>{drum.head}</notehead>"
        return place, f'<instrument id="P{number + 1}-I{head.pitch + 1}"/>', shape
    letter, alter, octave = head.spelled
    altered = f"<alter>{alter}</alter>" if alter else ""
    return f"<pitch><step>{letter}</step>{altered}<octave>{octave}</octave></pitch>", "", ""
