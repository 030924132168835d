"""Examples in a file are those in memory, narrow or wide."""

import numpy as np
import pytest
from tiny import bands, chorales, configuration_of

from musicgen.arrays import DamagedArraysError, write_arrays
from musicgen.encoding.tokens import encode
from musicgen.learning.batches import Example, example_of
from musicgen.learning.examples import open_examples, write_examples


def examples_of(pieces) -> list[Example]:
    configuration = configuration_of(pieces)
    return [example_of(encode(piece), configuration.vocabulary, configuration.slots) for piece in pieces]


def are_equal(ours: Example, theirs: Example) -> bool:
    arrays = zip((ours.ids, *ours.context), (theirs.ids, *theirs.context), strict=True)
    return ours[2:] == theirs[2:] and all(np.array_equal(one, other) for one, other in arrays)


@pytest.mark.parametrize("factor", [1, 100_000], ids=["narrow", "wide"])
@pytest.mark.parametrize("pieces", [chorales(), bands()], ids=["chorales", "bands"])
def test_examples_in_a_file_are_those_in_memory(tmp_path, pieces, factor):
    expected = [one._replace(context=one.context._replace(bar=one.context.bar * factor)) for one in examples_of(pieces)]
    write_examples(tmp_path / "examples", lambda: iter(expected), {"said": 1}, {"copies": expected[0].ids})
    found, said, others = open_examples(tmp_path / "examples")

    assert said == {"said": 1}
    assert others["copies"].tolist() == expected[0].ids.tolist()
    assert len(found) == len(expected)
    assert all(map(are_equal, found, expected))
    assert all(map(are_equal, found[1:][:2], expected[1:3]))
    assert len(found[2:]) == 2


def test_what_holds_no_examples_is_named_as_such(tmp_path):
    write_arrays(tmp_path / "file", {"rows": np.zeros((2, 8), np.uint8)}, {"row": [["ids", "<i2", [4]]], "said": {}})
    with pytest.raises(DamagedArraysError):
        open_examples(tmp_path / "file")
