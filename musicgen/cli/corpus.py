"""`corpus`: the music to learn from that is there, and the music that can be added at once."""

from functools import partial
from pathlib import Path

import click

from musicgen.cli.accounts import receipts_json, receipts_page, receipts_text
from musicgen.cli.console import FAILURE, USAGE, CommandError, check_writable, make_folder, say, show_json, write_file
from musicgen.cli.corpora import CORPUS_FOLDER, add_corpus, corpus_folders, corpus_name, in_words, read_files, selection_options, watching
from musicgen.reading.builtin import BUILTIN_CORPORA
from musicgen.reading.cluster import read_on_cluster
from musicgen.reading.finding import find_files
from musicgen.reading.selection import Selection
from musicgen.reading.shards import ShardsError, make_plan, read_shard
from musicgen.reading.workers import WorkersError


@click.group()
def corpus() -> None:
    """Show, check or add music to learn from."""


@corpus.command()
@click.argument("corpora", nargs=-1, metavar="[CORPUS ...]")
@partial(selection_options, shows_limits=True)
@click.option("--page", type=click.Path(path_type=Path), help="Write an HTML page too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--force", is_flag=True, help="Overwrite the page.")
@click.option("--quiet", is_flag=True, help="Print the table and errors alone.")
def check(corpora: tuple[str, ...], selection: Selection, use_cache: bool, page: Path | None, as_json: bool, force: bool, quiet: bool) -> None:
    """Read folders of music as `train` does, and say what became of each file: used, a duplicate, or skipped and why."""
    if page is not None:
        check_writable(page, force, "--page")
    folders = corpus_folders(corpora, quiet)
    read = read_files(folders, selection, quiet, use_cache)
    if as_json:
        show_json(receipts_json(read))
    else:
        click.echo(f"{receipts_text(list(read.receipts()))}\n\n{in_words(read.summary())}")
    if page is not None:
        write_file(page, receipts_page(corpus_name(folders), read).encode("utf-8", "replace"))
        say(f"page {page}", quiet)


@corpus.command()
@click.argument("corpora", nargs=-1, metavar="[CORPUS ...]")
@selection_options
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the shards, which is then a corpus itself.")
@click.option("--shards", type=click.IntRange(1, 100_000), default=1, show_default=True, help="Number of shards.")
@click.option("--shard", "chosen", metavar="K/N", help="Read this shard of N alone; others may read the others at the same time, anywhere.")
@click.option("--ray", "address", metavar="ADDRESS", help="Read on a Ray cluster that sees the files; 'local' starts one here.")
@click.option("--force", is_flag=True, help="Read complete shards again.")
@click.option("--quiet", is_flag=True, help="Say nothing but errors.")
def read(
    corpora: tuple[str, ...],
    selection: Selection,
    use_cache: bool,
    out: Path,
    shards: int,
    chosen: str | None,
    address: str | None,
    force: bool,
    quiet: bool,
) -> None:
    """Read folders of music in shards, by hand, by any scheduler or through Ray, into a folder that `train` takes as a corpus.

    The same files give the same bytes, whoever reads them. What is complete is not read again.
    """
    number = None
    if chosen is not None:
        number, shards = shard_of(chosen)
    folders = corpus_folders(corpora, quiet)
    make_folder(out)
    try:
        plan = make_plan(folders, selection, out, shards)
        todo = [number] if number is not None else list(range(1, shards + 1))
        todo = [shard for shard in todo if force or not plan.is_complete(shard)]
        if address is not None:
            read_on_cluster(plan, todo, address)
            todo = []
        for shard in todo:
            read_shard(plan, shard, watching(f"shard {shard}/{shards}", quiet))
    except (ShardsError, WorkersError) as error:
        raise CommandError(str(error), FAILURE) from None
    except OSError as error:
        raise CommandError(f"can't write into {out}: {error.strerror or error}") from None
    missing = plan.missing
    say(f"{shards - len(missing)} of {shards} shards in {out} are complete" + ("" if missing else f": `train {out}` learns from them"), quiet)


def shard_of(text: str) -> tuple[int, int]:
    """Which of how many shards, as it is written: 3/16. Raises CommandError."""
    number, _, shards = text.partition("/")
    if not (number.isdecimal() and shards.isdecimal() and 1 <= int(number) <= int(shards) <= 100_000):
        raise CommandError(f"--shard {text} is no shard: 3/16 is the third of sixteen", USAGE)
    return int(number), int(shards)


@corpus.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_corpora(as_json: bool) -> None:
    """Show the folders in corpus/ and the collections that can be added."""
    folders = sorted(path for path in CORPUS_FOLDER.iterdir() if path.is_dir()) if CORPUS_FOLDER.is_dir() else []
    rows = [
        {"name": name, "title": entry.title, "pieces": entry.num_pieces, "licence": entry.licence, "files": len(find_files([CORPUS_FOLDER / name]))}
        for name, entry in BUILTIN_CORPORA.items()
    ]
    rows += [{"name": path.name, "files": len(find_files([path]))} for path in folders if path.name not in BUILTIN_CORPORA]
    if as_json:
        show_json(rows)
        return
    for row in rows:
        there = f"{row['files']} files in {CORPUS_FOLDER / str(row['name'])}" if row["files"] else "not added yet"
        click.echo(f"{row['name']}: {there}")
        if "title" in row:
            click.echo(f"    {row['title']}: {row['pieces']} pieces that come with music21. {row['licence']}")


@corpus.command()
@click.argument("name", type=click.Choice(list(BUILTIN_CORPORA)))
@click.option("--out", type=click.Path(path_type=Path), help="Folder to write to.  [default: corpus/NAME]")
@click.option("--force", is_flag=True, help="Write again what is there already.")
@click.option("--quiet", is_flag=True, help="Say nothing.")
def add(name: str, out: Path | None, force: bool, quiet: bool) -> None:
    """Write a collection that comes with music21 as MIDI files."""
    add_corpus(name, out or CORPUS_FOLDER / name, force, quiet)
