"""The signs of repetition in a score -> the order in which its bars are played.

Conventions: a section that ends with a repeat sign and does not begin with one begins at the end of the repeat before it, or, where the score's
custom is so (ABC), at a double bar. An ending that another one follows leads back, also where its repeat sign is missing. After a jump (da capo, dal
segno) nothing is repeated and the last endings are played; a jump is taken once, when the repeats at its place are done.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

MOST_TIMES = 16  # that a section is played, whatever it says


class Jump(NamedTuple):
    """What stands at the end of a bar: go back, and on to the end, to Fine, or to the coda."""

    to_segno: bool = False
    until: str = ""  # "fine" or "coda"


class Signs(NamedTuple):
    """What one bar says."""

    begins_repeat: bool = False
    times: int = 0  # that the section is played which ends with this bar, 0 where none does
    endings: frozenset[int] = frozenset()  # the times at which it is played, where it stands in an ending
    after_double_bar: bool = False
    has_segno: bool = False
    has_coda: bool = False  # the first one says where the way to the coda leaves, at its end; the last one where the coda begins
    has_fine: bool = False  # at its end
    jump: Jump | None = None


def played_order(bars: Sequence[Signs], double_bars_begin: bool = False) -> tuple[list[int], bool]:
    """The indices of the bars as they are played, and whether all signs could be followed."""
    jump_at = next((index for index, bar in enumerate(bars) if bar.jump), None)
    order = list(_repeated(bars, double_bars_begin, len(bars) if jump_at is None else jump_at + 1))
    if jump_at is None:
        return order, True
    again = _after_jump(bars, bars[jump_at].jump or Jump())
    if again is None:
        return [*order, *_repeated(bars, double_bars_begin, len(bars), jump_at + 1)], False
    return [*order, *again], True


def _repeated(bars: Sequence[Signs], double_bars_begin: bool, stop: int, begin: int = 0) -> Iterator[int]:
    """The bars with their repeats."""
    index, time, is_open, is_done = begin, 1, False, False  # the section has a sign where it begins; it has been played as often as it says
    while index < stop:
        bar = bars[index]
        begins = bar.begins_repeat or (double_bars_begin and bar.after_double_bar and not is_open and not bar.endings)
        if (begins and index > begin) or (is_done and not bar.endings):
            begin, time, is_done = index, 1, False
        is_open = bar.begins_repeat or (is_open and not is_done)
        is_played = not bar.endings or time in bar.endings
        if is_played:
            yield index
        if _leads_back(bars, index):
            is_done = time >= _times(bars, begin, index)
            if is_played and not is_done:
                index, time = begin, time + 1
                continue
        index += 1


def _leads_back(bars: Sequence[Signs], index: int) -> bool:
    following = bars[index + 1].endings if index + 1 < len(bars) else frozenset()
    return bool(bars[index].times) or bool(bars[index].endings and following and following != bars[index].endings)


def _times(bars: Sequence[Signs], begin: int, index: int) -> int:
    """How often the section is played that leads back from a bar: as often as it says, and as its endings count."""
    last = index
    while last + 1 < len(bars) and bars[last + 1].endings and not bars[last + 1].begins_repeat:
        last += 1
    counted = max((time for bar in bars[begin : last + 1] for time in bar.endings), default=0)
    return min(MOST_TIMES, max(2, counted, 0 if bars[index].endings else bars[index].times))


def _after_jump(bars: Sequence[Signs], jump: Jump) -> list[int] | None:
    """The bars that a jump leads to, each once, or nothing where the signs it speaks of are not there."""
    segno = next((index for index, bar in enumerate(bars) if bar.has_segno), None)
    codas = [index for index, bar in enumerate(bars) if bar.has_coda]
    fine = next((index for index, bar in enumerate(bars) if bar.has_fine), None)
    begin = segno if jump.to_segno else 0
    if begin is None or (jump.until == "fine" and fine is None) or (jump.until == "coda" and len(codas) < 2):
        return None
    way = list(range(begin, len(bars)))
    if jump.until == "fine" or (not jump.until and fine is not None):
        way = [index for index in way if index <= (fine or 0)]
    elif jump.until == "coda":
        way = [index for index in way if index <= codas[0] or index >= codas[-1]]
    return [index for index in way if not bars[index].endings or _is_last_ending(bars, index)]


def _is_last_ending(bars: Sequence[Signs], index: int) -> bool:
    """Whether no other ending follows the one in which a bar stands."""
    own = bars[index].endings
    while index < len(bars) and bars[index].endings == own:
        index += 1
    return index == len(bars) or not bars[index].endings
