"""Whom the parts of a piece are taken for: by their names, and then by what is nearest."""

from dataclasses import replace

import pytest
from tiny import chorales

from musicgen.encoding.hearing import heard_as, judged_as
from musicgen.encoding.tokens import encode
from musicgen.encoding.vocabulary import PART, PITCH, Vocabulary

CHORALE = chorales()[0]
VOICES = Vocabulary.of(map(encode, chorales()))


@pytest.mark.parametrize(
    ("names", "voices"), [(("Soprano", "Bass"), [0, 3]), (("Tenor",), [2]), (("Alto", "melody", "Bass", "Soprano"), [1, 2, 3, 0]), (("flute",), [0])]
)
def test_parts_of_one_name_belong_together_and_the_others_are_the_nearest(names, voices):
    own = {part.name: part for part in CHORALE.parts}
    parts = tuple(own.get(name) or replace(CHORALE.parts[2 if name == "melody" else 0], name=name, program=0) for name in names)
    sequence, matches = heard_as(encode(replace(CHORALE, parts=parts)), VOICES)

    assert [matches[sequence.indices.index(index)] for index in range(len(parts))] == voices
    places = [(onset, matches[row[PART]], row[PITCH]) for onset, row in zip(sequence.onsets.tolist(), sequence.notes.tolist(), strict=True)]
    assert places == sorted(places)
    assert judged_as(sequence, VOICES)[1] == (matches if "flute" in names or "melody" in names else VOICES.match(sequence))
    assert sorted(place[::2] for place in places) == sorted((note.onset, note.pitch) for part in parts for note in part.notes)
