"""One piece so far, of which some is given: what may come next, and what comes of a choice.

Conventions: masks are (V,) bool over the ids of a field, and never empty. Due is what must come next at the latest: the next given note, the rest of
a chord whose pitches are kept, or a part that must begin by then. Free parts may begin before it, in the order of notes, or not. Where the
vocabulary lacks the time to what is due, the nearest that it has stands for it.
"""

from functools import cache
from itertools import takewhile

import numpy as np

from musicgen.composing.givens import Given, Givens, Group
from musicgen.composing.particles import Particle
from musicgen.composing.request import Played
from musicgen.encoding.context import UNKNOWN
from musicgen.encoding.grammar import Grammar
from musicgen.encoding.vocabulary import DURATION, PART, PITCH, TIME_SHIFT, VELOCITY
from musicgen.model.configuration import UNLIKELY


class Rules:
    """What holds for all particles."""

    def __init__(self, givens: Givens) -> None:
        self.givens, self.vocabulary = givens, givens.vocabulary
        self.values = [np.array(values) for values in self.vocabulary.values]
        self.grammar = Grammar.of_corpus(self.vocabulary)
        self.any_music = Grammar.of_all(self.vocabulary)  # for kept pitches and rhythms, which may be beyond what the corpus plays
        self.nearest = cache(lambda steps: int(self.vocabulary.nearest(TIME_SHIFT, np.array(steps))))
        parts = range(len(self.vocabulary.parts))
        self.opens = np.array([givens.opens.get(part, givens.end) for part in parts])  # those that are not free never open

    def ahead(self, particle: Particle) -> float:
        """ln of how probable it is that as many notes come in the time that is left as must, if they came by a Poisson process as before."""
        givens, total = self.givens, 0.0
        for part, groups in givens.queues.items():
            left = len(groups) - particle.begun[part]
            expected = len(groups) * max(0, givens.end - particle.running.onset) / (givens.end - givens.start)
            if expected > 0:
                total += left * np.log(expected) - expected - float(np.log(np.arange(1, left + 1)).sum())
        return total


class Turn:
    """A note that is being chosen: what it may be."""

    def __init__(self, rules: Rules, particle: Particle) -> None:
        self.rules, self.particle, self.running = rules, particle, particle.running
        given = rules.givens.given
        self.given = given[particle.placed] if particle.placed < len(given) else None
        places = [(onset, part) for part, onset in particle.dues.items()]
        if self.given is not None:
            places.append(self.given.place)
        if particle.rest:
            places.append((self.running.onset, self.running.notes[0].part))
        self.due = min(places, default=None)  # onset and part
        self.gap = None if self.due is None else self.due[0] - self.running.onset
        self.shift = 0  # steps, once it is chosen
        self._found: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def choose_shift(self, choice: int) -> None:
        """The id of the time shift has been chosen, and it is not the end."""
        gap = self.gap
        self.shift = gap if gap is not None and choice == self.rules.nearest(gap) else int(self.rules.values[TIME_SHIFT][choice])

    def allowed(self, field: int, row: np.ndarray) -> np.ndarray:
        """The mask of a field, given the earlier fields in row (5,)."""
        if field == TIME_SHIFT:
            return self._shifts()
        if field == PART:
            return self._parts()
        part = int(row[PART])
        given, group = self._kept(part)
        ids = given.ids if given is not None else group[0][0] if group else None
        if field == PITCH and ids is None:
            return self._pitches(part)
        if field == PITCH and given is not None and given.pitch is None:
            return self._other_pitches(given)
        if field == DURATION and given is None:
            return np.append(self.rules.values[DURATION] <= self._limit(part) - self.onset, True)
        if ids is None:
            return np.ones(self.rules.vocabulary.sizes[field], bool)
        mask = np.zeros(self.rules.vocabulary.sizes[field], bool)
        mask[ids[field]] = True
        return mask

    @property
    def onset(self) -> int:
        return self.running.onset + self.shift

    def _shifts(self) -> np.ndarray:
        """Free parts may begin when they can, but not after what is due."""
        givens, known, now = self.rules.givens, self.rules.values[TIME_SHIFT], self.running.onset
        allowed = np.zeros(len(known) + 1, bool)
        if self._able(0).any():
            allowed[:-1] |= known == 0
        last = givens.end - 1 - now if self.gap is None else min(givens.end - 1 - now, self.gap)
        wanted = max(1, givens.start - now)
        moments = {wanted, *(self.rules.opens - now).tolist(), *(note.end - now for note in self.running.notes if note.end != UNKNOWN)}
        earliest = next((shift for shift in sorted(moments) if wanted <= shift <= last and self._able(shift).any()), None)
        if earliest is not None:
            allowed[:-1] |= (known >= earliest) & (known <= last)
        allowed[len(known) if self.gap is None else self.rules.nearest(self.gap)] = True
        return allowed

    def _parts(self) -> np.ndarray:
        mask = self._able(self.shift).copy()
        if self.due is not None and self.due[0] == self.onset:
            mask[self.due[1]] = True
        return mask

    def _able(self, shift: int) -> np.ndarray:
        """(P,) the free parts that may begin a note before what is due, in the order of notes."""
        return self._at(shift)[0]

    def _at(self, shift: int) -> tuple[np.ndarray, np.ndarray]:
        """Those parts, and the pitches (P, V) that they may begin."""
        if shift in self._found:
            return self._found[shift]
        rules, givens, onset = self.rules, self.rules.givens, self.running.onset + shift
        able = givens.is_free & (rules.opens <= onset) & (givens.start <= onset < givens.end)
        if self.due is not None and self.due[0] == onset:
            able[self.due[1] :] = False
        free = np.zeros((0, 0), bool)
        if able.any():
            free = (rules.any_music if givens.queues else rules.grammar).free(shift, self.running)
            able &= free.any(axis=1)
        for part in givens.queues if able.any() else ():
            group = self._next_group(part)
            joins = shift == 0 and self.running.count > 0 and part == self.running.notes[0].part
            able[part] &= bool(group) and not joins and all(free[part, ids[PITCH]] for ids, _ in group)
        self._found[shift] = able, free
        return able, free

    def _next_group(self, part: int) -> Group:
        groups, begun = self.rules.givens.queues[part], self.particle.begun[part]
        return groups[begun] if begun < len(groups) else ()

    def _kept(self, part: int) -> tuple[Given | None, Group]:
        """What is kept of the note, when its onset and its part are chosen: the given note, or the notes whose pitches are kept."""
        givens = self.rules.givens
        if not givens.is_free[part] or self.onset >= givens.end:
            return self.given, ()
        return None, self.particle.rest or (self._next_group(part) if part in givens.queues else ())

    def _pitches(self, part: int) -> np.ndarray:
        """What a free part may begin; what is due must begin something."""
        free = self._at(self.shift)[1]
        if len(free) and free[part].any():
            return free[part]
        for grammar in (self.rules.grammar, self.rules.any_music):
            free = grammar.free(self.shift, self.running)
            if free[part].any():
                return free[part]
        return self.rules.grammar.playable[part]

    def _other_pitches(self, given: Given) -> np.ndarray:
        """New pitches of a kept rhythm: with room above for the notes that begin together with it, and out of the way of later ones."""
        rules, part = self.rules, given.part
        following = rules.givens.given[self.particle.placed + 1 :]
        above = sum(1 for other in takewhile(lambda other: other.place == given.place, following))
        kept = [
            other.ids[PITCH]
            for other in takewhile(lambda other: other.onset < given.written.end, following)
            if other.part == part and other.pitch is not None
        ]
        free = rules.any_music.free(self.shift, self.running)[part]
        free[kept] = False
        for mask in (free & rules.grammar.playable[part], free):
            ids = np.flatnonzero(mask)
            if len(ids) > above:
                mask[ids[len(ids) - above :]] = False
                return mask
        return rules.grammar.playable[part]

    def _limit(self, part: int) -> int:
        """The step at which a new note of a part must have ended."""
        givens = self.rules.givens
        deadlines = givens.deadlines.get(part, ())
        following = self.particle.begun.get(part, 0) + (not self.particle.rest)
        return deadlines[following] if following < len(deadlines) else givens.limits[part]

    def add(self, row: np.ndarray) -> None:
        """The note (5,) has been chosen."""
        particle, running, part = self.particle, self.running, int(row[PART])
        given, group = self._kept(part)
        onset = self.onset
        if onset >= self.rules.givens.end > running.onset:
            self._leave()
        pitch = self.rules.vocabulary.values[PITCH][row[PITCH]]
        if given is not None:
            particle.placed += 1
            running.add(self.shift, part, pitch, given.duration)
            if given.pitch is None:
                particle.history = particle.history, part, Played(onset, pitch, given.written.duration, given.written.velocity)
            return
        duration = None if row[DURATION] == self.rules.vocabulary.held else int(self.rules.values[DURATION][row[DURATION]])
        running.add(self.shift, part, pitch, duration)
        if group:
            written = group[0][1]
            self._take(part, group)
            particle.history = particle.history, part, Played(onset, written.pitch, duration, written.velocity)
        else:
            particle.dues.pop(part, None)
            loudness = self.rules.vocabulary.values[VELOCITY]
            velocity = loudness[row[VELOCITY]] if len(loudness) > 1 else self.rules.givens.loudness[part]
            particle.history = particle.history, part, Played(onset, pitch, duration, velocity)

    def _take(self, part: int, group: Group) -> None:
        """A note of a group has been played: the rest of it is due at once, then the next group in its time."""
        particle, deadlines = self.particle, self.rules.givens.deadlines[part]
        if not particle.rest:
            particle.begun[part] += 1
        particle.rest = group[1:]
        particle.dues.pop(part, None)
        if particle.begun[part] < len(deadlines):
            particle.dues[part] = deadlines[particle.begun[part]]

    def _leave(self) -> None:
        """The region is over: a note that is held although its part does not go on must have ended, which is a breach."""
        givens = self.rules.givens
        hanging = [note.end == UNKNOWN and not givens.carries.get(note.part, True) for note in self.running.notes]
        if any(hanging):
            self.particle.weight -= UNLIKELY * sum(hanging)
            ends = [note._replace(end=givens.limits[note.part]) if hangs else note for note, hangs in zip(self.running.notes, hanging, strict=True)]
            self.running.notes = ends
