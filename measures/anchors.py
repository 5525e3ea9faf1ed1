"""Anchors: the word, or the pair of neighbours, without which a phrase cannot stand in a text.

Each phrase has one anchor, the rarest of those it has, so that of thousands of phrases the words of
a turn call up about fifty, and only these are looked for in it. "You might be better off" is not
looked for wherever somebody says "you", but where "better off" is said.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from itertools import chain, product
from typing import TYPE_CHECKING, NamedTuple

from measures.phrases import end_of, phrases_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from measures.phrases import Part, Phrase, Place

_PAIRS = 400
"""Pairs that an anchor may be, at most: a class of words beside another makes thousands."""
_ANYWHERE = -1
_SEARCHED = 4
"""How many times as rare an anchor must be for which the phrase's beginning is to be searched."""


class _Anchored(NamedTuple):
    """A phrase, as it is looked for from its anchor."""

    number: int
    after: int
    """How many words after its beginning the anchor stands; `_ANYWHERE` where that varies, and the
    beginning is searched for in the anchor's run."""
    met: int
    """How many of its first words are known to stand there, where the anchor does."""
    next: frozenset[str] | None
    """The words of which one must stand after these; None where another may, or none need."""
    rest: tuple[Part, ...]
    """Its parts after these."""
    phrase: Phrase


class _Choice(NamedTuple):
    """What can be the anchor of a phrase; of several the least is best."""

    common: float
    texts: tuple[str, ...]
    """One of these words or pairs of neighbours is in every text in which the phrase stands."""
    after: int
    met: int


_Called = dict[str, list[tuple[int, tuple[_Anchored, ...]]]]
"""By list name, the numbers of the words where anchors stand, and the phrases of each."""
_ByList = tuple[tuple[str, tuple[_Anchored, ...]], ...]
"""An anchor's phrases by list name."""


class _Entry(NamedTuple):
    """What a word calls up: as an anchor by itself, and with the word after it."""

    alone: _ByList
    before: dict[str, _ByList]


class Anchors:
    """Phrases by their anchors.

    Args:
        lists: Phrases by list name, in lower case.
    """

    def __init__(self, lists: Mapping[str, Sequence[str]]) -> None:
        phrases: list[Phrase] = []
        for list_name, texts in lists.items():
            phrases += phrases_of(list_name, texts, len(phrases))
        # The phrases themselves tell which words are common: "you" is in hundreds of them.
        common = Counter(
            chain.from_iterable(part.whole for phrase in phrases for part in phrase.parts)
        )
        found: dict[str, dict[str, list[_Anchored]]] = defaultdict(lambda: defaultdict(list))
        self._unanchored: dict[str, list[_Anchored]] = defaultdict(list)
        """Phrases without any word that is sure, such as `worr*` alone: to be looked for always."""
        for phrase in phrases:
            name, parts = phrase.list_name, phrase.parts
            best = min(_choices(parts, common), default=None)
            if best is None:
                self._unanchored[name].append(_anchored(phrase, _ANYWHERE, 0))
                continue
            own = _anchored(phrase, best.after, best.met)
            for text in best.texts:
                found[text][name].append(own)
        self._entries = _entries(found)

    def called(self, words: Sequence[str]) -> _Called:
        """Return the phrases that may stand in the text that has these words."""
        called: _Called = {
            name: [(at, tuple(own)) for at in range(len(words))]
            for name, own in self._unanchored.items()
        }
        called_so_far = called.get
        # By its first word, a pair is looked for among a few; among all it would be in no cache.
        neighbours = zip(map(self._entries.get, words), (*words[1:], ""), strict=False)
        for at, (entry, following) in enumerate(neighbours):
            if entry is None:
                continue
            alone, before = entry
            paired = before.get(following)
            for by_list in (alone, paired) if paired else (alone,):
                for name, anchored in by_list:
                    known = called_so_far(name)
                    if known is None:
                        called[name] = [(at, anchored)]
                    else:
                        known.append((at, anchored))
        return called


def places(
    called: Sequence[tuple[int, tuple[_Anchored, ...]]], words: Sequence[str], ends: Sequence[int]
) -> list[Place]:
    """Return where phrases of a list that were called occur in a text, in order.

    Args:
        called: What `Anchors.called` gives for the list.
        words: The text's words.
        ends: The numbers after the last words of its runs, which no end of a sentence breaks.
    """
    found: list[Place] = []
    searched: set[tuple[int, int]] = set()
    for at, several in called:
        run = bisect_right(ends, at)
        begin, end = ends[run - 1] if run else 0, ends[run]
        for number, after, met, must, rest, phrase in several:
            start = at - after
            if after == _ANYWHERE:
                if (number, run) not in searched:  # two of its anchors may stand in one run
                    searched.add((number, run))
                    found += [
                        (one, number, run, last) for one, last in phrase.places(words, begin, end)
                    ]
            elif start >= begin and (  # a phrase is in one run, the anchor's
                must is None or (start + met < end and words[start + met] in must)
            ):
                last = end_of(rest, words, start + met, end) if rest else start + met
                if last is not None and last <= end:
                    found.append((start, number, run, last))
    found.sort()
    return found


def _anchored(phrase: Phrase, after: int, met: int) -> _Anchored:
    rest = phrase.parts[met:]
    must = rest[0].whole if rest and rest[0].sure else None
    return _Anchored(phrase.number, after, met, must, rest, phrase)


def _entries(found: Mapping[str, Mapping[str, Sequence[_Anchored]]]) -> dict[str, _Entry]:
    """Return phrases, by anchor and list name, by the first word of their anchor."""
    entries: dict[str, _Entry] = {}
    for text, by_list in found.items():
        first, _, second = text.partition(" ")
        entry = entries.get(first, _Entry((), {}))
        called = tuple((name, tuple(own)) for name, own in by_list.items())
        if second:
            entry.before[second] = called
        else:
            entry = entry._replace(alone=called)
        entries[first] = entry
    return entries


def _choices(parts: Sequence[Part], common: Mapping[str, int]) -> Iterator[_Choice]:
    """Yield what could be the anchor of a phrase."""
    total = sum(common.values())
    fixed = True
    for at, part in enumerate(parts):
        if part.sure:
            after = at if fixed else _ANYWHERE
            weight = 1 if fixed else _SEARCHED
            ours = weight * sum(map(common.__getitem__, part.whole))
            yield _Choice(ours, tuple(sorted(part.whole)), after, int(at == 0))
            then = _following(parts[at + 1 :])
            if then and len(part.whole) * len(then) <= _PAIRS:
                theirs = sum(map(common.__getitem__, then))
                texts = tuple(sorted(map(" ".join, product(part.whole, then))))
                met = (2 if parts[1].sure else 1) if at == 0 else 0
                yield _Choice(ours * theirs / total, texts, after, met)
        fixed = fixed and not (part.gap or part.optional)


def _following(rest: Sequence[Part]) -> frozenset[str]:
    """Return the words of which one must come next; none where that is not sure."""
    found: frozenset[str] = frozenset()
    for part in rest:
        if part.gap or part.begins:
            return frozenset()
        found |= part.whole
        if not part.optional:
            return found
    return frozenset()
