"""What became of every file that was found: used, a duplicate, or skipped, and why.

Conventions: a file is used if one of its pieces is, a duplicate if all that could be read of it is there already, and skipped otherwise. Facts of a
file with several pieces are sums, or those of its first piece.
"""

from dataclasses import dataclass, field
from pathlib import Path

from musicgen.piece import Key
from musicgen.reading.reasons import Reason

STATUSES = USED, DUPLICATE, SKIPPED = "used", "duplicate", "skipped"
TONICS = ("C", "D♭", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
MOST_SHOWN = 20  # pieces of one file that a document lists


@dataclass(frozen=True, slots=True)
class Entry:
    """One piece of a file: its facts, and what it is a copy of or why it is not wanted."""

    facts: dict  # as `records.facts_of` gives them
    copy_of: str = ""
    unwanted: tuple[str, str] | None = None  # reason and message


@dataclass(frozen=True, slots=True)
class Receipt:
    """One file."""

    path: Path
    entries: tuple[Entry, ...] = ()
    refused: tuple[tuple[str, str, str], ...] = field(default=())  # of pieces, or the whole file, that were not read: where, reason, message

    @property
    def used(self) -> list[dict]:
        """Facts of the pieces that are used."""
        return [entry.facts for entry in self.entries if not entry.copy_of and entry.unwanted is None]

    @property
    def copies(self) -> list[str]:
        """What those pieces are copies of that are copies."""
        return [entry.copy_of for entry in self.entries if entry.copy_of]

    @property
    def status(self) -> str:
        return USED if self.used else DUPLICATE if self.copies else SKIPPED

    @property
    def problems(self) -> list[tuple[str, str, str]]:
        """What is not used and no copy either: where, reason, message."""
        return [*self.refused, *((entry.facts["where"], *entry.unwanted) for entry in self.entries if entry.unwanted is not None)]

    @property
    def reason(self) -> str:
        """Of the fixed list where the file is skipped, else nothing."""
        return self.problems[0][1] if self.status == SKIPPED else ""

    @property
    def advice(self) -> str:
        """What a person can do about a file that is skipped, else nothing."""
        return next((reason.advice for reason in Reason if reason.value == self.reason), "")

    @property
    def message(self) -> str:
        """What there is to say, in words."""
        if self.status == DUPLICATE:
            return f"sounds like {self.copies[0]}" + (f" and {len(self.copies) - 1} more" if len(self.copies) > 1 else "")
        if self.status == SKIPPED:
            return self.problems[0][2] + (f", and {len(self.problems) - 1} more" if len(self.problems) > 1 else "")
        left_out = [f"{len(self.copies)} duplicates left out"] * bool(self.copies) + [f"{len(self.problems)} not read"] * bool(self.problems)
        return "; ".join([*left_out, *dict.fromkeys(remark for facts in self.used for remark in remarks_of(facts))])

    def to_json(self) -> dict:
        """For programs. More than `MOST_SHOWN` pieces of one file are counted and not listed."""
        shown = self.used or [entry.facts for entry in self.entries]
        document = {
            "path": printable_path(self.path),
            "status": self.status,
            "reason": self.reason,
            "message": self.message,
            "advice": self.advice,
            "pieces": len(shown),
            "parts": max((len(facts["parts"]) for facts in shown), default=0),
            "notes": sum(facts["notes"] for facts in shown),
            "bars": sum(facts["bars"] for facts in shown),
            "duplicate_of": self.copies[:MOST_SHOWN],
            "duplicates": len(self.copies),
            "not_read": [dict(zip(("where", "reason", "message"), problem, strict=True)) for problem in self.problems[:MOST_SHOWN]],
        }
        if shown:
            document |= {"format": shown[0]["format"], **facts_in_words(shown[0]), "moved_most_ms": max(facts["moved_most_ms"] for facts in shown)}
            document["part_names"] = [part[0] for part in shown[0]["parts"]]
        if len(shown) > 1:
            document["contents"] = [
                {"where": facts["where"], "title": facts["title"], "notes": facts["notes"], "bars": facts["bars"], **facts_in_words(facts)}
                for facts in shown[:MOST_SHOWN]
            ]
        return document


def receipt_of(path: Path, document: dict, first: int, copies: dict[int, tuple[str, str]], unwanted: dict[int, tuple[str, str]]) -> Receipt:
    """The receipt of a file that was opened.

    Args:
        document: what is known of it, as in a FileRecord.
        first: number of its first piece in its segment.
        copies: of such numbers the path and place that they are copies of.
        unwanted: of such numbers reason and message why they are not used.
    """
    entries = []
    for number, facts in enumerate(document["pieces"], start=first):
        origin, where = copies.get(number, ("", ""))
        entries.append(Entry(facts, printable_path(origin) + (f" ({where})" if where else ""), unwanted.get(number)))
    return Receipt(path, tuple(entries), tuple((where, reason, message) for where, reason, message in document["refused"]))


def facts_in_words(facts: dict) -> dict:
    """Meter, key, tempo and grid of a piece, as they are shown."""
    key = Key(*facts["keys"][0]) if facts["keys"] else None
    return {
        "meter": "{1}/{2}".format(*facts["meters"][0]),
        "key": f"{TONICS[key.tonic]} {'minor' if key.is_minor else 'major'}" if key else "",
        "tempo": facts["tempos"][0][1],
        "steps_per_quarter": facts["steps_per_quarter"],
        "moved_median_ms": facts["moved_median_ms"],
        "moved_most_ms": facts["moved_most_ms"],
        "remarks": remarks_of(facts),
    }


def remarks_of(facts: dict) -> list[str]:
    """What a person should know of a piece: how it stands to the grid first."""
    grid, median, most = facts["steps_per_quarter"], facts["moved_median_ms"], facts["moved_most_ms"]
    if most < 1:
        return list(facts["remarks"])
    finer = f"; --grid {2 * grid} would halve that" if median > 0 and grid <= 48 else ""
    return [f"moved to {grid} steps a quarter note by {most:g} ms at most, {median:g} at the median{finer}", *facts["remarks"]]


def printable_path(path: Path | str) -> str:
    """A path that JSON can hold: bytes that are no UTF-8 are written as in Python."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
