"""Two programs side by side: rounds A B A B, one ratio for each round, and their median, least and greatest.

Conventions: a ratio is how many times as much of something the first has as the second: seconds over seconds, or notes a second over notes a
second. Other work on a machine slows both halves of a round alike, so the ratios of rounds are steadier than any of the times.
"""

import json
import os
import platform
import statistics
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

# a program is started as `python benchmarks/NAME.py`, and the music program need not be installed
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


class Spread(NamedTuple):
    """The middle and the ends of several measurements."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """Raises ValueError where there are no values."""
        values = list(values)
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        median, low, high = (f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}" for value in self)
        return f"{median} ({low} to {high})"


class Target(NamedTuple):
    """Where a figure should lie."""

    is_least: bool
    figure: float

    def is_met_by(self, figure: float) -> bool:
        return figure >= self.figure if self.is_least else figure <= self.figure

    def __str__(self) -> str:
        return f"at {'least' if self.is_least else 'most'} {self.figure:,g}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a report."""

    what: str
    spread: Spread
    unit: str = "times"
    target: Target | None = None

    @property
    def verdict(self) -> str:
        """Whether the median meets the target; nothing where there is none."""
        if self.target is None:
            return ""
        return f"{'met' if self.target.is_met_by(self.spread.median) else 'MISSED'}: {self.target}"


def alternate(first: Callable[[int], float], second: Callable[[int], float], rounds: int) -> list[tuple[float, float]]:
    """What both measure, round by round; each is given the round's number, from 0. Odd rounds begin with the second."""
    pairs = []
    for number in range(rounds):
        if number % 2:
            later = second(number)
            pairs.append((first(number), later))
        else:
            pairs.append((first(number), second(number)))
    return pairs


def ratios(pairs: Iterable[tuple[float, float]]) -> Spread:
    """First over second, round by round."""
    return Spread.of(first / second for first, second in pairs)


def machine(packages: Iterable[str]) -> dict[str, str]:
    """What the figures depend on."""
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    return {
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "load at the end": load,  # 2 on 2 cores: others were at work too, or the program itself
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in packages},
    }


def processor() -> str:
    """The name that the system gives the processor."""
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def show(title: str, rows: list[Row], notes: list[str], on: dict[str, str], as_json: bool) -> None:
    """Print a report: a table of figures, what there is to know about them, and the machine."""
    if as_json:
        figures = [
            {
                "what": row.what,
                "unit": row.unit,
                **row.spread._asdict(),
                "target": row.target and str(row.target),
                "met": row.target and row.target.is_met_by(row.spread.median),
            }
            for row in rows
        ]
        print(json.dumps({"benchmark": title, "figures": figures, "notes": notes, "machine": on}, indent=2))
        return
    print(title)
    widths = [max(len(row.what) for row in rows), max(len(f"{row.spread} {row.unit}") for row in rows)]
    for row in rows:
        print(f"  {row.what:{widths[0]}}  {f'{row.spread} {row.unit}':{widths[1]}}  {row.verdict}".rstrip())
    for note in notes:
        print(f"  - {note}")
    print("  " + ", ".join(f"{name} {value}" for name, value in on.items()))
