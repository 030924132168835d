"""What is given to begin with: music to continue, and the random seed."""

import secrets

from musicgen.api import DRAWN_BELOW, open_seed
from musicgen.cli.console import DOES_NOT_FIT, UNREADABLE, USAGE, CommandError, say
from musicgen.composing.controls import RequestError
from musicgen.composing.seeds import Seed, SeedError
from musicgen.model.file import Model
from musicgen.piece import Meter
from musicgen.reading.guard import UnreadableFileError

LARGEST_SEED = 2**32


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
    try:
        given, remarks = open_seed(seed, bars, model, meter, tempo)
    except UnreadableFileError as error:
        raise CommandError(f"can't read the seed {seed}: {error}", UNREADABLE) from None
    except SeedError as error:
        raise CommandError(f"--seed: {error}", USAGE) from None
    except RequestError as error:
        raise CommandError(f"--seed-bars: {error}", DOES_NOT_FIT) from None
    for remark in remarks:
        say(remark, quiet)
    return given
