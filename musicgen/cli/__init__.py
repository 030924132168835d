"""The command line, one file a command.

Conventions: results go to stdout, messages and progress to stderr. Exit codes: 0 ok, 1 failure, 2 usage, 3 unreadable input,
4 what is asked for does not fit the model or a limit, 130 interrupted with everything saved.
"""

import os

# before NumPy loads: small products are slower on several threads, and much slower on a busy machine
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("VECLIB_MAXIMUM_THREADS", "1")

import importlib
import sys

import click

from musicgen import __version__

COMMANDS = {
    "train": "Learn from a folder of music.",
    "generate": "Write new music.",
    "rewrite": "Write a piece anew in part: some bars, some parts, or all parts but the melody.",
    "replay": "Compose a file again, and say whether it is the same.",
    "render": "Write music files as sound and as scores.",
    "play": "Play a music file.",
    "evaluate": "Judge a model, and its music beside the corpus'.",
    "compare": "Train each kind of recurrent cell, and compare them.",
    "corpus": "Show or add music to learn from.",
    "inspect": "Show what is in a model, or how likely each note of a piece is.",
    "doctor": "Look for what is broken, and measure this machine.",
}


class Commands(click.Group):
    """Loads a command's module only when it is called, so that none waits for what another needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return getattr(importlib.import_module(f"musicgen.cli.{cmd_name}"), cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="musicgen")
def program() -> None:
    """A recurrent network that learns your music and plays it back."""


def main() -> None:
    """Run the command line and exit."""
    try:
        program.main(prog_name=os.path.basename(sys.argv[0]) or "musicgen", standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        click.echo(f"Error: {error.format_message()}", err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # whoever read the output has heard enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
