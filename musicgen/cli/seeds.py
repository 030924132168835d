"""What is given to begin with: music to continue, and the random seed."""

import re
import secrets
from pathlib import Path

from musicgen.cli.console import DOES_NOT_FIT, UNREADABLE, USAGE, CommandError, is_there, say
from musicgen.composing.controls import RequestError
from musicgen.composing.seeds import Seed, SeedError, bars_of, written_seed
from musicgen.model.file import Model
from musicgen.piece import Meter
from musicgen.reading.formats import read_music_file
from musicgen.reading.guard import UnreadableFileError

LARGEST_SEED = 2**32
DRAWN_BELOW = 1_000_000


def told_apart(seed: str | None, random_seed: int | None) -> tuple[str | None, int]:
    """The music to continue, if there is any, and the random seed, drawn where none is given. Raises CommandError."""
    number = (seed or "").strip()
    if number.isdecimal():
        if random_seed is not None:
            raise CommandError(f"--seed {number[:40]} is a random seed too: give either it or --random-seed", USAGE)
        if len(number) > len(str(LARGEST_SEED)) or int(number) > LARGEST_SEED:
            raise CommandError(f"a random seed lies between 0 and {LARGEST_SEED}, not {number[:40]}", USAGE)
        return None, int(number)
    return seed, secrets.randbelow(DRAWN_BELOW) if random_seed is None else random_seed


def read_seed(seed: str, bars: tuple[int, int | None] | None, model: Model, meter: Meter | None, tempo: float | None, quiet: bool) -> Seed:
    """The music to continue, from a file or as written out, or some bars of it. Raises CommandError."""
    if not seed.strip():
        raise CommandError("--seed is empty: give a music file, notes like C4:1 E4:1/2, or a whole number, the random seed", USAGE)
    vocabulary = model.configuration.vocabulary
    path = Path(seed)
    try:
        if is_there(path):
            first, *others = read_music_file(path, vocabulary.steps_per_quarter)
            if others:
                say(f"{path} holds {len(others) + 1} pieces: the first, {first.piece.title or first.where!r}, is continued", quiet)
            piece = first.piece if bars else first.piece.without_silent_bars()
            given = Seed(piece, piece.end)
        elif "/" in seed.split(":")[0] or (re.fullmatch(r"\.[A-Za-z]\w*", path.suffix) and ":" not in seed):
            raise UnreadableFileError("there is no such file")
        else:
            instruments = {
                name.casefold(): (token.program, token.is_drum) for name, token in zip(vocabulary.part_names, vocabulary.parts, strict=True)
            }
            signature = model.corpus.meter if meter is None else meter[1:]
            given = written_seed(seed, vocabulary.steps_per_quarter, signature, tempo or model.corpus.tempo, instruments)
        return bars_of(given.piece, *bars) if bars else given
    except UnreadableFileError as error:
        raise CommandError(f"can't read the seed {seed}: {error}", UNREADABLE) from None
    except SeedError as error:
        raise CommandError(f"--seed: {error}", USAGE) from None
    except RequestError as error:
        raise CommandError(f"--seed-bars: {error}", DOES_NOT_FIT) from None
