"""The order in which bars are played, written as one letter a bar."""

import re

import pytest

from musicgen.reading.repeats import Jump, Signs, played_order

JUMPS = {"DC": Jump(), "DS": Jump(True), "DC-fine": Jump(until="fine"), "DS-fine": Jump(True, "fine"), "DS-coda": Jump(True, "coda")}


def signs(bars: str) -> list[Signs]:
    """Bars as `<A` (a repeat begins), `A>` or `A>3` (it ends, times), `A1` or `A1,3` (endings), `!A` (after a double bar), `A@segno`."""
    found = []
    for word in bars.split():
        match = re.fullmatch(r"(!?)(<?)[A-Z]([\d,]*)(>\d?)?(?:@([\w-]+))?", word)
        assert match
        double, begins, endings, ends, mark = match.groups()
        times = int(ends[1:] or 2) if ends else 0
        numbers = frozenset(map(int, endings.split(","))) if endings else frozenset()
        found.append(Signs(bool(begins), times, numbers, bool(double), mark == "segno", mark == "coda", mark == "fine", JUMPS.get(mark)))
    return found


@pytest.mark.parametrize(
    ("written", "played"),
    [
        ("A B>", "ABAB"),
        ("A> B>", "AABB"),  # the second begins where the first ends
        ("A> B C> D", "AABCBCD"),
        ("<A <B> C", "ABBC"),
        ("<A B", "AB"),
        ("A>3 B", "AAAB"),
        ("<A B1> C2 D E>", "ABACDEDE"),
        ("A B1> C2> D", "ABACD"),
        ("<A B1 C2 D", "ABACD"),  # the sign at the end of the first ending is missing
        ("<A B1> C D>", "ABACDCD"),
        ("<A B1,3> C2> D4 E", "ABACABADE"),
        ("A B1> C2 D E1> F2", "ABACDEDF"),
        ("A> B2 C", "AABC"),
        ("A !B C>", "ABCABC"),
        ("A@segno B C@DS", "ABCABC"),
        ("<A B1> C2 D@fine E@DC", "ABACDEACD"),  # after a jump the last endings alone
        ("A <B> C@fine D E@DC-fine", "ABBCDEABC"),
        ("A@segno B@coda C@DS-coda D@coda E", "ABCABDE"),
    ],
)
def test_what_is_played(written, played):
    letters = re.findall("[A-Z](?=[^a-zA-Z-]|$)", re.sub("@[A-Za-z-]+", "", written))
    order, can_follow = played_order(signs(written))
    assert ("".join(letters[index] for index in order), can_follow) == (played, True)


def test_a_double_bar_begins_what_is_repeated_where_that_is_the_custom_and_no_sign_does():
    assert played_order(signs("A !B C>"), double_bars_begin=True)[0] == [0, 1, 2, 1, 2]
    assert played_order(signs("<A !B C>"), double_bars_begin=True)[0] == [0, 1, 2, 0, 1, 2]


def test_a_jump_to_a_sign_that_is_not_there_is_left_out():
    assert played_order(signs("<A> B@DS-fine C")) == ([0, 0, 1, 2], False)


def test_no_score_plays_a_section_without_end():
    assert len(played_order(signs("A>9 B" + " C9" * 5))[0]) < 100
