"""The General MIDI sound set: the names of its instruments and kits, and which of those that are there is nearest to one that is not.

Conventions: programs count from 0, eight in a row are a family (of instruments that sound alike), and kits are the programs of drums.
Source: General MIDI System Level 1 (MIDI Manufacturers Association 1991); kits as Roland's GS numbers them.
"""

from collections.abc import Collection

FAMILY_SIZE = 8
FAMILIES = (
    ("pianos", "grand piano, bright piano, electric grand piano, honky-tonk piano, electric piano 1, electric piano 2, harpsichord, clavi"),
    ("chromatic percussion", "celesta, glockenspiel, music box, vibraphone, marimba, xylophone, tubular bells, dulcimer"),
    ("organs", "drawbar organ, percussive organ, rock organ, church organ, reed organ, accordion, harmonica, tango accordion"),
    ("guitars", "nylon guitar, steel guitar, jazz guitar, electric guitar, muted guitar, overdriven guitar, distortion guitar, guitar harmonics"),
    ("basses", "acoustic bass, fingered bass, picked bass, fretless bass, slap bass 1, slap bass 2, synth bass 1, synth bass 2"),
    ("strings", "violin, viola, cello, contrabass, tremolo strings, pizzicato strings, orchestral harp, timpani"),
    ("ensembles", "string ensemble 1, string ensemble 2, synth strings 1, synth strings 2, choir aahs, voice oohs, synth voice, orchestra hit"),
    ("brass", "trumpet, trombone, tuba, muted trumpet, French horn, brass section, synth brass 1, synth brass 2"),
    ("reeds", "soprano sax, alto sax, tenor sax, baritone sax, oboe, English horn, bassoon, clarinet"),
    ("pipes", "piccolo, flute, recorder, pan flute, blown bottle, shakuhachi, whistle, ocarina"),
    ("synth leads", "square lead, sawtooth lead, calliope lead, chiff lead, charang lead, voice lead, fifths lead, bass and lead"),
    ("synth pads", "new age pad, warm pad, polysynth pad, choir pad, bowed pad, metallic pad, halo pad, sweep pad"),
    ("synth effects", "rain, soundtrack, crystal, atmosphere, brightness, goblins, echoes, sci-fi"),
    ("ethnic instruments", "sitar, banjo, shamisen, koto, kalimba, bagpipe, fiddle, shanai"),
    ("percussion", "tinkle bell, agogo, steel drums, woodblock, taiko drum, melodic tom, synth drum, reverse cymbal"),
    ("sound effects", "guitar fret noise, breath noise, seashore, bird tweet, telephone ring, helicopter, applause, gunshot"),
)
NAMES = tuple(name for _, members in FAMILIES for name in members.split(", "))
KITS = {0: "standard", 8: "room", 16: "power", 24: "electronic", 25: "TR-808", 32: "jazz", 40: "brush", 48: "orchestra", 56: "sound effects"}


def name_of(program: int, is_drum: bool) -> str:
    """An instrument in words, such as "flute (program 73)" and "jazz kit (program 32)"."""
    name = f"{KITS[program]} kit" if is_drum and program in KITS else "drum kit" if is_drum else NAMES[program]
    return f"{name} (program {program})"


def nearest(program: int, there: Collection[int], is_drum: bool) -> int:
    """The program that is likest to one: of its own family if there is any, else the standard kit for drums, else the next by number.

    Args:
        program: what is asked for, 0..127.
        there: what there is, at least one.
    """

    def distance(other: int) -> tuple[bool, bool, int, int]:
        is_stranger = other // FAMILY_SIZE != program // FAMILY_SIZE
        return is_stranger, is_stranger and is_drum and other != 0, abs(other - program), other

    return min(there, key=distance)
