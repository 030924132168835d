"""Every odd and hostile file comes to its end: the music that is in it, or the right reason, and soon."""

import time

import pytest
from hostile import HOSTILE

from musicgen.reading.formats import read_each
from musicgen.reading.readings import Refusal


@pytest.mark.parametrize("name", HOSTILE)
def test_what_becomes_of_it(name):
    content, outcome = HOSTILE[name]
    begin = time.process_time()
    results = list(read_each(content, name))
    assert time.process_time() - begin < 5
    if isinstance(outcome, tuple):
        (refusal,) = results
        assert isinstance(refusal, Refusal)
        assert refusal.error.reason.value in outcome
        assert "\n" not in str(refusal.error)
    else:
        notes = [(note.onset / 12, note.pitch, note.duration / 12) for result in results for part in result.piece.parts for note in part.notes]
        assert notes == outcome
