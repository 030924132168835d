"""A piece from anywhere as a vocabulary hears it: which of its parts each of the piece's is taken for.

Conventions: parts of one name belong together, whatever plays them and whoever else plays; of the others `Vocabulary.match` says what is nearest.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from musicgen.encoding.tokens import TokenSequence
from musicgen.encoding.vocabulary import PART, PITCH, TIME_SHIFT, Vocabulary

Hearing = Callable[[TokenSequence, Vocabulary], tuple[TokenSequence, list[int | None]]]


def judged_as(sequence: TokenSequence, vocabulary: Vocabulary) -> tuple[TokenSequence, list[int | None]]:
    """`heard_as`, but what has only parts that the vocabulary has is heard as in training, whatever the parts are called."""
    if set(sequence.parts) <= set(vocabulary.parts):
        return sequence, vocabulary.match(sequence)
    return heard_as(sequence, vocabulary)


def heard_as(sequence: TokenSequence, vocabulary: Vocabulary) -> tuple[TokenSequence, list[int | None]]:
    """Rows in the order of the vocabulary's parts, and for each part of the sequence the vocabulary's; None where it has none."""
    names = [name.casefold() for name in vocabulary.part_names]
    named: dict[int, int] = {}
    for number, (token, index) in enumerate(zip(sequence.parts, sequence.indices, strict=True)):
        name = sequence.header.parts[index].name.casefold()
        if names.count(name) == 1 and vocabulary.parts[names.index(name)].is_drum == token.is_drum and names.index(name) not in named.values():
            named[number] = names.index(name)
    matches = vocabulary.match(sequence, named)
    own = np.array([len(names) if match is None else match for match in matches], np.int64)[sequence.notes[:, PART]]
    order = np.lexsort((sequence.notes[:, PITCH], own, sequence.onsets))
    notes = sequence.notes[order]
    notes[:, TIME_SHIFT] = np.diff(sequence.onsets[order], prepend=0)
    return replace(sequence, notes=notes), matches
