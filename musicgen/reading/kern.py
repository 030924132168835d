"""What music21 keeps of a kern score as words alone: instruments that it does not know, drums, and the order of sections.

Conventions: pitches are those that sound, whatever `*Tr` and `*ITr` say of the printed score. `*>[A,B,A]` is the order in which sections are
played; where it stands, signs of repetition say the same again. music21 is imported where it reads. Sources: Humdrum User Guide, appendix 2, and
the tool `thru`.
"""

import re
from bisect import bisect_left
from typing import Any

PROGRAMS = {  # of General MIDI, of the instruments that Humdrum knows and music21 does not
    **dict.fromkeys(
        ("feme", "male", "nfant", "recit", "lyrsp", "drmsp", "colsp", "ctenor", "heltn", "lyrtn", "bspro", "bscan", "false", "castr"), 52
    ),
    **dict.fromkeys(("archl", "tiorb", "cetra", "quitr", "vina", "tambu"), 24),
    "psalt": 15,
    "forte": 0,
    "rebec": 40,
    "violp": 40,
    "viols": 40,
    **dict.fromkeys(("viold", "violt"), 41),
    "violb": 42,
    **dict.fromkeys(("clars", "clarp", "clara", "baset", "calam"), 71),
    "fag_c": 70,
    "rackt": 70,
    **dict.fromkeys(("corno", "cornt", "flugh"), 56),
    **dict.fromkeys(("flt_a", "flt_b", "fife"), 73),
    **dict.fromkeys(("fltds", "fltdn", "fltda", "fltdt", "fltdb"), 74),
    **dict.fromkeys(("krums", "kruma", "krumt", "krumb", "chlms", "chlma", "chlmt"), 111),
    "oboeD": 68,
    "ocari": 79,
    "porta": 19,
    "ctina": 23,
    "saxN": 64,
    **dict.fromkeys(("saxB", "saxC"), 67),
    "clest": 8,
}


def complete(score: Any) -> Any:
    """A score with its instruments and drums as music21 has others."""
    from music21 import clef, instrument, note
    from music21.humdrum.spineParser import MiscTandem

    for part in score.parts:
        known = {one.getOffsetInHierarchy(part): one for one in part[instrument.Instrument]}
        for tandem in list(part[MiscTandem]):
            at = tandem.getOffsetInHierarchy(part)
            if tandem.tandem in PROGRAMS:
                known[at] = _insert(part, at, instrument.Instrument())
                known[at].midiProgram = PROGRAMS[tandem.tandem]
            elif tandem.tandem.startswith('"'):
                known[at] = known.get(at) or _insert(part, at, instrument.Instrument())
                known[at].partName = tandem.tandem[1:].strip()
        first = part[clef.Clef].first()
        for struck in list(part[note.NotRest]) if isinstance(first, clef.PercussionClef) else ():
            struck.activeSite.replace(struck, note.Unpitched(quarterLength=struck.quarterLength))
    return score


def _insert(part: Any, at: float, player: Any) -> Any:
    part.insert(at, player)
    return player


def order_of_sections(part: Any, measures: list[Any]) -> list[int] | None:
    """The indices of the bars of a part as a list of sections says; None where there is none, or it names what is not there."""
    from music21.humdrum.spineParser import MiscTandem

    offsets = [measure.getOffsetInHierarchy(part) if measure is not part else 0.0 for measure in measures]
    listed, begins = None, {}
    for tandem in part[MiscTandem]:
        if found := re.fullmatch(r"\*>\[(.*)\]", tandem.tandem):
            listed = listed or [name.strip() for name in found[1].split(",")]
        elif found := re.fullmatch(r"\*>([^\[]+)", tandem.tandem):
            begins[found[1].strip()] = bisect_left(offsets, tandem.getOffsetInHierarchy(part))
    if not listed or not set(listed) <= begins.keys():
        return None
    ends = sorted([*begins.values(), len(measures)])
    return [index for name in listed for index in range(begins[name], next((end for end in ends if end > begins[name]), begins[name]))]
