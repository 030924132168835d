"""Ways to colour a piano roll that need a model: by how surprised it is by each note, and by what stands in the corpus that it learned from."""

from collections.abc import Sequence

from musicgen.cli.console import DOES_NOT_FIT, CommandError
from musicgen.cli.copies import NO_INDEX, index_of
from musicgen.judging.notes import judged_notes
from musicgen.judging.originality import copied_notes
from musicgen.listening.pianoroll import Colouring, by_copies, by_surprise
from musicgen.model.file import Model
from musicgen.piece import Piece

KINDS = ("parts", "surprise", "copied")


def colouring_of(piece: Piece, kind: str, model: Model) -> Colouring:
    """The colours of all notes, and what they mean. Raises CommandError where the model cannot say."""
    if piece.steps_per_quarter != model.configuration.vocabulary.steps_per_quarter:
        raise CommandError(
            f"the piece is on a grid of {piece.steps_per_quarter} steps, the model on {model.configuration.vocabulary.steps_per_quarter}",
            DOES_NOT_FIT,
        )
    if kind == "surprise":
        return by_surprise(nats_of(piece, model))
    index = index_of(model)
    if index is None:
        raise CommandError(NO_INDEX, DOES_NOT_FIT)
    found = copied_notes(piece, index)
    return by_copies([[note in own for note in part.notes] for part, own in zip(piece.parts, found, strict=True)])


def all_colourings(piece: Piece, model: Model) -> dict[str, Colouring]:
    """Each way that the model can say."""
    kinds = KINDS[1:] if model.copies else KINDS[1:2]
    return {kind: colouring_of(piece, kind, model) for kind in kinds}


def nats_of(piece: Piece, model: Model) -> Sequence[Sequence[float]]:
    """Nats of each note of each part; 0 for what the model cannot hear."""
    nats: list[list[float]] = [[] for _ in piece.parts]
    for judged in judged_notes(model.engine, piece):
        if judged.part is not None:
            nats[judged.part].append(judged.total)
    return nats
