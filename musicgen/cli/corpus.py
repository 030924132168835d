"""`corpus`: the music to learn from that is there, and the music that can be added at once."""

from pathlib import Path

import click

from musicgen.cli.accounts import receipts_json, receipts_page, receipts_text
from musicgen.cli.console import check_writable, say, show_json, write_file
from musicgen.cli.corpora import CORPUS_FOLDER, add_corpus, corpus_folders, corpus_name, in_words, read_files, selection_options
from musicgen.reading.builtin import BUILTIN_CORPORA
from musicgen.reading.finding import find_files
from musicgen.reading.selection import Selection


@click.group()
def corpus() -> None:
    """Show, check or add music to learn from."""


@corpus.command()
@click.argument("corpora", nargs=-1, metavar="[CORPUS ...]")
@selection_options
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
