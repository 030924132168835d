"""The voices of a tune in ABC -> each written whole, section by section as played, with who plays it and how far from where it is written.

Conventions: lines are those of `tunes.plain_lines`. A clef moves nothing (ABC 2.1) but by `+8`, `-8` and the like; in a bass clef, where most notes
are written in small letters, they are in an older dialect, two octaves too high. `%%MIDI transpose` counts where nothing else says where it sounds.
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

STATE = "MLK"  # fields that hold until the next one of their kind
MIDDLES = {"treble": "B", "alto": "C", "tenor": "A,", "bass": "D,"}  # what a clef has on the middle line
OWN_ACCIDENTALS = re.compile(r"(?<=\s)([_=^]+)([A-Ga-g])(?![a-z])")
MOST_SECTIONS = 64  # that are played, whatever the tune says
MOST_BARS_OF_REST = 1_000


class Voice(NamedTuple):
    name: str
    program: int | None  # of General MIDI, where it is said
    semitones: int  # from what is written up to what sounds
    lines: list[str]


def voices_in(header: list[str], lines: list[str]) -> list[Voice]:
    """The voices that have notes in them, at least one.

    Args:
        header: its fields, `V:` and `I:MIDI` among them, `K:` the last.
        lines: of music and of fields.
    """
    said: dict[str, str] = {}  # of each voice, by its name in the file
    written: dict[str, list[str]] = {}
    order = next((line[2:] for line in header if line.startswith("P:")), "")
    now = next((_id(line) for line in [*header, *lines] if line.startswith("V:")), "")
    for line in [line for line in [*header, *lines] if line.startswith("V:")] or ["V:"]:
        said[_id(line)] = f"{said.get(_id(line), '')} {line[2:].partition(' ')[2]}"
        written.setdefault(_id(line), [])
    in_all = [line for line in header if line.startswith("I:MIDI") or line[0] in STATE]
    for line in lines:
        if line.startswith("V:"):
            now = _id(line)
        for name in written if line.startswith("P:") else (now,):
            written[name] += [] if line.startswith("V:") else [line]
    voices = []
    for name, own in written.items():
        if any(re.search("[A-Ga-g]", line) for line in own if not _is_field(line)):
            title = re.search(r"""\b(?:name|nm)=["']([^"']*)""", said[name])
            music = [line for line in _in_order(in_all, own, order) if line[0] != "I"]
            program = _said_by_midi("program", [*in_all, *own])
            voices.append(Voice(title[1] if title else name, program, _semitones(said[name], in_all, own), music))
    return voices or [Voice("", None, 0, [line for line in header if line.startswith("K:")])]


def _is_field(line: str) -> bool:
    return line[:1].isalpha() and line[1:2] == ":" and line[2:3] not in ("|", ":")


def _id(line: str) -> str:
    return line[2:].split()[0] if line[2:].split() else ""


def _said_by_midi(what: str, lines: list[str]) -> int | None:
    """The last number of the latest directive of a name."""
    found = [int(line.split()[-1]) for line in lines if re.match(rf"I:MIDI\s+{what}\s(.*\s)?-?\d+\s*$", line)]
    return found[-1] if found else None


def _semitones(said: str, header: list[str], own: list[str]) -> int:
    keys = " ".join(line[2:] for line in [*header, *own] if line.startswith("K:"))
    for text in (said, keys):
        moves = [12 * int(octaves) for octaves in re.findall(r"\boctave=(-?\d+)", text)[-1:]]
        moves += [int(semitones) for semitones in re.findall(r"\b(?:transpose|t)=(-?\d+)", text)[-1:]]
        moves += [int(f"{sign}{12 if steps == '8' else 24}") for sign, steps in re.findall(r"(?<![\d=])([+-])(8|15)(?:v[ab])?\b", text)[-1:]]
        clef = re.search(r"\b(treble|alto|tenor|bass)", text)
        middle = re.search(r"\b(?:middle|m)=([A-Ga-g][,']*)", text)
        if clef and middle:
            moves.append(12 * (_octave(MIDDLES[clef[1]]) - _octave(middle[1])))
        if moves:
            return sum(moves)
        if clef and clef[1] == "bass":
            notes = re.findall("[A-Ga-g]", "".join(line for line in own if not _is_field(line)))
            return -24 if 2 * sum(note.islower() for note in notes) > len(notes) else 0
    return _said_by_midi("transpose", [*header, *own]) or 0


def _octave(note: str) -> int:
    return note[0].islower() + note.count("'") - note.count(",")


def _in_order(state: list[str], lines: list[str], order: str) -> Iterator[str]:
    """The lines as they are played, section by section, with rests of whole bars written out."""
    holds = {line[0]: line for line in state if line[0] in STATE}
    sections, now = {"": [*holds.values()]}, ""
    for line in lines:
        if line.startswith("P:"):
            now = line[2:].strip()
            now = f"{now} again" if now in sections else now
            sections[now] = [*sections.get(now, []), *holds.values()]  # so that it can be played from anywhere
            continue
        if _is_field(line) and line[0] in STATE:
            holds[line[0]] = line
        sections[now].append(line if _is_field(line) else _with_accidentals(_with_rests(line, holds), holds.get("K", "")))
    asked = _spelled(order)
    if {"", *asked} != sections.keys():
        asked = [name for name in sections if name]
    else:
        _close(list(sections.values()))
    for section in ["", *asked]:
        yield from sections[section]


def _close(sections: list[list[str]]) -> None:
    """Has a repeat sign between two sections end the first and begin the second, if that is repeated, wherever the two are played."""
    for section, following in pairwise(sections):
        music = next((index for index, line in enumerate(following) if not _is_field(line)), None)
        if section and (sign := re.search(r"(:?)\|+:\s*$", section[-1])) and not _is_field(section[-1]):
            section[-1] = section[-1][: sign.start()] + (":|" if sign[1] else "|")
            if music is not None and ":|" in "".join(following).partition("|:")[0]:
                following[music] = f"|:{following[music]}"


def _spelled(order: str) -> list[str]:
    """`A(BC)2` -> `ABCBC`, letter by letter."""
    order = re.sub(r"[^A-Za-z0-9()]", "", order)
    while group := re.search(r"\(([A-Za-z]*)\)(\d*)|([A-Za-z])(\d+)", order):
        inside, times = (group[1], group[2]) if group[3] is None else (group[3], group[4])
        order = order[: group.start()] + (inside * min(MOST_SECTIONS, int(times or 1)))[:MOST_SECTIONS] + order[group.end() :]
    return list(re.sub(r"[^A-Za-z]", "", order)[:MOST_SECTIONS])


def _with_rests(line: str, holds: dict[str, str]) -> str:
    """With `z_4` as four bars of rests. Raises ValueError where the meter is no number."""
    if "z_" not in line:
        return line
    meter = {"C": "4/4", "C|": "2/2"}.get(said := holds.get("M", "M:C")[2:].strip(), said)
    unit = Fraction(holds["L"][2:].strip()) if "L" in holds else Fraction(1, 8 if Fraction(meter) >= Fraction(3, 4) else 16)
    rest = f"z{Fraction(meter) / unit}"
    return re.sub(r"z_(\d+)", lambda found: "|".join([rest] * min(MOST_BARS_OF_REST, int(found[1]))), line)


def _with_accidentals(line: str, key: str) -> str:
    """With those of a key that has some of its own (`K:D phr ^f`) written at its notes."""
    own = {letter.upper(): sign for sign, letter in OWN_ACCIDENTALS.findall(key)}
    said: set[str] = set()  # the notes of this bar that have an accidental

    def spelled(found: re.Match[str]) -> str:
        sign, letter, octave = found.groups()
        if letter is None:
            said.clear()
        elif sign:
            said.add(letter + octave)
        elif letter.upper() in own and letter + octave not in said:
            return own[letter.upper()] + found[0]
        return found[0]

    return re.sub(r"([_=^]*)([A-Ga-g])([,']*)|\|", spelled, line) if own else line
