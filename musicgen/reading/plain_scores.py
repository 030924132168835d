"""The bytes of a MusicXML score -> a tree of it that music21 reads right: part by part, a part for each instrument, every pitch where it sounds.

Conventions: what is not played is a rest (cues), and what is played is written: bars that say to repeat those before, and jumps that only a player
would see.
"""

import re
from copy import deepcopy
from xml.etree import ElementTree

from musicgen.piece import NUM_PITCHES
from musicgen.reading.players import part_for_each_player

NAMES = [("C", 0), ("C", 1), ("D", 0), ("D", 1), ("E", 0), ("F", 0), ("F", 1), ("G", 0), ("G", 1), ("A", 0), ("A", 1), ("B", 0)]  # of pitch classes
JUMPS = {
    "dacapo": "D.C.",
    "dalsegno": "D.S.",
    "fine": "Fine",
    "tocoda": "To Coda",
    "coda": "Coda",
    "segno": "Segno",
}  # what a player is told, in words
MOVING = ("note", "backup", "forward")  # through a bar
STEPS = {name: pitch_class for pitch_class, (name, alter) in enumerate(NAMES) if not alter}


def plain_score(content: bytes) -> ElementTree.Element:
    """The root of a partwise score. Raises ElementTree.ParseError."""
    root = ElementTree.fromstring(content)  # in any encoding, where music21 takes UTF-8 alone
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    if root.tag == "score-timewise":
        root = _partwise(root)
    part_for_each_player(root)
    for part in root.iter("part"):
        _write_out(part.findall("measure"))
        _transpose(part)
    for measure in root.iter("measure"):
        _silence_cues(measure)
    for mark in root.iter("per-minute"):
        number = re.search(r"\d+(\.\d+)?", mark.text or "")  # of `c. 96`
        mark.text = number[0] if number else mark.text
    _say_jumps(root)
    _name_drums(root)
    return root


def _partwise(timewise: ElementTree.Element) -> ElementTree.Element:
    """The same score, part by part, as music21 wants it, and not bar by bar."""
    root = ElementTree.Element("score-partwise", timewise.attrib)
    root.extend(element for element in timewise if element.tag != "measure")
    parts: dict[str, ElementTree.Element] = {}
    for measure in timewise.iter("measure"):
        for part in measure.iter("part"):
            name = part.get("id", "")
            if name not in parts:
                parts[name] = ElementTree.SubElement(root, "part", {"id": name})
            ElementTree.SubElement(parts[name], "measure", measure.attrib).extend(part)
    return root


def _write_out(measures: list[ElementTree.Element]) -> None:
    """Fills bars that say to repeat the bar before, or several."""
    back = 0  # how many bars before
    for index, measure in enumerate(measures):
        for mark in measure.iter("measure-repeat"):
            back = int(mark.text or 1) if mark.get("type") == "start" else 0
        if 0 < back <= index and measure.find("note/pitch") is None:
            for element in [element for element in measure if element.tag in MOVING]:
                measure.remove(element)
            measure.extend(deepcopy([element for element in measures[index - back] if element.tag in MOVING]))


def _silence_cues(measure: ElementTree.Element) -> None:
    """Makes cue notes, which others play, rests, and of chords nothing."""
    for note in [note for note in measure.findall("note") if note.find("cue") is not None and note.find("grace") is None]:
        if note.find("chord") is not None:
            measure.remove(note)
            continue
        for element in [element for element in note if element.tag in ("pitch", "unpitched", "tie", "notations", "rest")]:
            note.remove(element)
        note.insert(0, ElementTree.Element("rest"))


def _say_jumps(root: ElementTree.Element) -> None:
    """Writes out in words what a player alone is told, where nothing in its bar says so."""
    told = {name for sound in root.iter("sound") for name in sound.keys() & JUMPS.keys()}
    for measure in root.iter("measure"):
        words = " ".join(element.text or "" for element in measure.iter("words"))
        if re.search(r"(?i)\bd\.? ?[cs]\b|\bda(l| ?capo)\b|fine|coda|segno", words) or measure.find("direction/direction-type/segno") is not None:
            continue
        for name in sorted({name for sound in measure.iter("sound") for name in sound.keys() & JUMPS.keys()}):
            direction = ElementTree.SubElement(ElementTree.SubElement(measure, "direction"), "direction-type")
            al_coda = " al Coda" if name.startswith("da") and "tocoda" in told else ""
            ElementTree.SubElement(direction, "words").text = JUMPS[name] + al_coda


def _transpose(part: ElementTree.Element) -> None:
    """Writes what transposing instruments play, and its keys, as they sound: music21 has a change take place a bar too early."""
    semitones: dict[str | None, int] = {}  # of each staff, and of all
    for element in (element for measure in part.iter("measure") for element in measure):
        if element.tag == "attributes":
            for mark in element.findall("transpose"):
                semitones[mark.get("number")] = int(mark.findtext("chromatic") or 0) + 12 * int(mark.findtext("octave-change") or 0)
                element.remove(mark)
            for fifths in element.iterfind("key/fifths"):
                fifths.text = f"{(int(fifths.text or 0) + 7 * semitones.get(None, 0) + 6) % 12 - 6}" if semitones.get(None) else fifths.text
        elif element.tag == "note" and (pitch := element.find("pitch")) is not None:
            move = semitones.get(element.findtext("staff", "1"), semitones.get(None, 0))
            step = STEPS.get((pitch.findtext("step") or "").strip())
            if move and step is not None:
                number = 12 * (int(pitch.findtext("octave") or 0) + 1) + step + round(float(pitch.findtext("alter") or 0)) + move
                _write_pitch(pitch, min(NUM_PITCHES - 1, max(0, number)))


def _write_pitch(pitch: ElementTree.Element, number: int) -> None:
    octave, pitch_class = divmod(number, 12)
    step, alter = NAMES[pitch_class]
    for child in list(pitch):
        pitch.remove(child)
    for tag, value in (("step", step), ("alter", alter), ("octave", octave - 1)):
        ElementTree.SubElement(pitch, tag).text = f"{value}"


def _name_drums(root: ElementTree.Element) -> None:
    """Gives unpitched notes the pitches by which MIDI calls their drums: music21 does not keep which drum a note is for."""
    drums = {one.get("id"): one.findtext("midi-unpitched") for one in root.iter("midi-instrument")}
    for note in root.iter("note"):
        unpitched, player = note.find("unpitched"), note.find("instrument")
        said = None if unpitched is None or player is None else drums.get(player.get("id"))
        if said is None or unpitched is None or not said.strip().isdecimal() or not 1 <= int(said) <= NUM_PITCHES:
            continue
        unpitched.tag = "pitch"
        _write_pitch(unpitched, int(said) - 1)  # the score counts from one
    for one in root.iter("midi-instrument"):
        if drums[one.get("id")] is not None:  # or its pitches would be taken for music
            channel = one.find("midi-channel")
            (ElementTree.SubElement(one, "midi-channel") if channel is None else channel).text = "10"
