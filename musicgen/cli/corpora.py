"""What all commands that read music share: which files a person means, and the pieces in them."""

from collections import Counter
from pathlib import Path

from musicgen.cli.console import FAILURE, UNREADABLE, USAGE, CommandError, make_folder, say, with_progress, write_file
from musicgen.listening.midi import midi_bytes
from musicgen.piece import Piece
from musicgen.reading.builtin import BUILTIN_CORPORA, Skipped, pieces, sources
from musicgen.reading.corpus import find_files, read_files

CORPUS_FOLDER = Path("corpus")
DEFAULT_CORPUS = "bach-chorales"


def corpus_folders(corpora: tuple[str, ...], quiet: bool) -> list[Path]:
    """The folders and files to read: those that are named, or what is in corpus/, or the chorales, which are then added."""
    for name in corpora:
        if not Path(name).exists() and name in BUILTIN_CORPORA and not find_files([CORPUS_FOLDER / name]):
            add_corpus(name, CORPUS_FOLDER / name, force=False, quiet=quiet)
    folders = [Path(name) if Path(name).exists() else CORPUS_FOLDER / name for name in corpora]
    for folder, name in zip(folders, corpora, strict=True):
        if not folder.exists():
            raise CommandError(f"there is no folder {name}, nor {folder}; `corpus list` shows what can be added", USAGE)
    if folders:
        return folders
    if not find_files([CORPUS_FOLDER]):
        say(f"there is no music in {CORPUS_FOLDER}/, so take the chorales that come with music21", quiet)
        add_corpus(DEFAULT_CORPUS, CORPUS_FOLDER / DEFAULT_CORPUS, force=False, quiet=quiet)
    below = sorted(path for path in CORPUS_FOLDER.iterdir() if path.is_dir() and find_files([path]))
    return below if len(below) == 1 else [CORPUS_FOLDER]


def read_corpus(folders: list[Path], quiet: bool) -> list[Piece]:
    """The pieces in the files, and a word on each file that gave none."""
    files = find_files(folders)
    if not files:
        raise CommandError(f"no MIDI files (.mid, .midi) in {', '.join(map(str, folders))}", UNREADABLE)
    receipts = list(with_progress(read_files(files), len(files), "reading", quiet))
    skipped = [receipt for receipt in receipts if receipt.piece is None]
    for receipt in skipped[:10]:
        say(f"skipped {str(receipt.path)!r}: {receipt.reason}", quiet)
    for reason, times in Counter(receipt.reason for receipt in skipped[10:]).items():
        say(f"skipped {times} more: {reason}", quiet)
    pieces = [receipt.piece for receipt in receipts if receipt.piece is not None]
    if not pieces:
        raise CommandError(f"none of the {len(files)} files in {', '.join(map(str, folders))} holds music that can be read", UNREADABLE)
    say(f"{len(files)} files: {len(pieces)} read, {len(skipped)} skipped, {sum(piece.num_notes for piece in pieces):,} notes", quiet)
    return pieces


def add_corpus(name: str, folder: Path, force: bool, quiet: bool) -> None:
    """Write the files of a built-in corpus and say how many."""
    if find_files([folder]) and not force:
        raise CommandError(f"{folder} already holds music: write it again with --force", USAGE)
    make_folder(folder)
    written = 0
    skipped: dict[str, int] = {}
    for result in with_progress(pieces(name), len(sources(name)), name, quiet):
        if isinstance(result, Skipped):
            skipped[result.reason] = skipped.get(result.reason, 0) + 1
        else:
            write_file(folder / f"{result.title}.mid", midi_bytes(result))
            written += 1
    if not written:
        raise CommandError(f"music21 carries nothing of {name} here", FAILURE)
    say(f"{written} pieces written to {folder}", quiet)
    for reason, times in sorted(skipped.items(), key=lambda item: -item[1])[:5]:
        say(f"left out {times}: {reason}", quiet)
