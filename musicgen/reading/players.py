"""A part of MusicXML that is played on several instruments in turn -> a part for each, as music21 keeps the first one alone.

Conventions: an instrument is one of the part's, with the program of General MIDI that it has at that time. Where others play a part has rests.
Drums share a part, however many they are.
"""

from copy import deepcopy
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement


class Player(NamedTuple):
    instrument: str  # its id
    program: str | None  # as the score writes it, where it changes on the way


def part_for_each_player(root: Element) -> None:
    """Divides the parts of a partwise score, in place."""
    listed, sections = root.find("part-list"), {one.get("id"): one for one in root.iter("score-part")}
    for part in root.findall("part"):
        section = sections.get(part.get("id"))
        players = {} if section is None else _players(part, section)
        if listed is None or section is None or len(set(players.values())) < 2:
            continue
        place, listed_place = list(root).index(part), list(listed).index(section)
        for number, player in enumerate(reversed(list(dict.fromkeys(players.values())))):
            own = {index for index, other in players.items() if other == player}
            name = f"{part.get('id')}-{number}"
            root.insert(place, _only(part, own, name))
            listed.insert(listed_place, _listed(section, player, name))
        root.remove(part)
        listed.remove(section)


def _players(part: Element, section: Element) -> dict[int, Player]:
    """Who plays each of the part's notes, by its index among them; nobody where drums are among the players."""
    drums = {
        one.get("id") for one in section.iter("midi-instrument") if one.find("midi-unpitched") is not None or one.findtext("midi-channel") == "10"
    }
    now = next((one.get("id", "") for one in section.iter("score-instrument")), "")
    programs: dict[str, str] = {}
    players: dict[int, Player] = {}
    index = 0
    for element in (element for measure in part.iter("measure") for element in measure):
        if element.tag == "note":
            named = element.find("instrument")
            instrument = now if named is None else named.get("id", now)
            if element.find("pitch") is not None:
                players[index] = Player(instrument, programs.get(instrument))
            index += 1
            continue
        for change in [*element.iter("midi-instrument"), *element.iter("instrument-change")]:
            now = change.get("id", now)
            if program := change.findtext("midi-program"):
                programs[now] = program
    return {} if drums & {player.instrument for player in players.values()} else players


def _only(part: Element, own: set[int], name: str) -> Element:
    """The part with some of its notes."""
    part, index = deepcopy(part), 0
    part.set("id", name)
    for measure in part.iter("measure"):
        chord: list[tuple[Element, bool]] = []
        for note in measure.findall("note"):
            if note.find("chord") is None:
                _thin(measure, chord)
                chord = []
            chord.append((note, index in own or note.find("pitch") is None))
            index += 1
        _thin(measure, chord)
    return part


def _thin(measure: Element, chord: list[tuple[Element, bool]]) -> None:
    """Leaves of the notes of a chord those that are kept, or a rest."""
    kept = [note for note, is_kept in chord if is_kept]
    if chord and not kept and chord[0][0].find("grace") is None:
        kept = [chord[0][0]]
        for child in [child for child in kept[0] if child.tag not in ("duration", "voice", "type", "dot", "time-modification", "staff")]:
            kept[0].remove(child)
        kept[0].insert(0, Element("rest"))
    for note, _ in chord:
        if not any(note is one for one in kept):
            measure.remove(note)
    if kept and (mark := kept[0].find("chord")) is not None:
        kept[0].remove(mark)


def _listed(section: Element, player: Player, name: str) -> Element:
    """What the list of parts says of the part of one player."""
    section = deepcopy(section)
    section.set("id", name)
    for child in [child for child in section if child.tag in ("score-instrument", "midi-instrument") and child.get("id") != player.instrument]:
        section.remove(child)
    title, written = section.find("part-name"), section.findtext("score-instrument/instrument-name")
    if title is not None and written:
        title.text = written
    if player.program is not None:
        midi = section.find("midi-instrument")
        midi = SubElement(section, "midi-instrument", {"id": player.instrument}) if midi is None else midi
        program = midi.find("midi-program")
        (SubElement(midi, "midi-program") if program is None else program).text = player.program
    return section
