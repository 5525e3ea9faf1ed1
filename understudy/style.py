"""The six ways of talking: what a style cuts, and what it adds around an answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from understudy.clauses import named_feelings, said_in_passing, sentences
from understudy.templates import Line, choose, inside, lines_of, parse_line, read_data, tidy

if TYPE_CHECKING:
    from random import Random

    from understudy.templates import Slots

FILLER = re.compile(
    r"(well|and|but|okay|hm|honestly|look|nothing|so|exactly|yes|no)\b", re.IGNORECASE
)
"""An answer that has an opener of its own takes no other."""
SHORT = 6
"""Words under which an answer stands without an opener."""
LATER = 0.6
"""How often something follows, against how often something comes before."""


@dataclass(frozen=True, slots=True)
class Manner:
    """One style. `share` is how often it adds something; `keep` how many sentences it leaves.

    `anywhere` says which of `before` and `after` fit an answer that does not tell of the problem.
    """

    share: float
    keep: int
    before: tuple[Line, ...]
    after: tuple[Line, ...]
    held_back: tuple[Line, ...]
    anywhere: frozenset[str]

    @property
    def told_after(self) -> tuple[Line, ...]:
        """What `after` tells, without the words around it."""
        slots = dict.fromkeys(slot for line in self.after for slot in line.slots)
        return tuple(parse_line(f"{{{slot}}}") for slot in slots)


@cache
def manner_of(style: str) -> Manner:
    """Read one style of grammar/styles.yaml."""
    entry = read_data("styles")[style]
    assert isinstance(entry, dict)  # noqa: S101 - the file ships with the package
    before, after, held = (lines_of(entry[key]) for key in ("before", "after", "held_back"))
    anywhere = frozenset(str(entry["anywhere"]).split())
    return Manner(float(entry["share"]), int(entry["keep"]), before, after, held, anywhere)


def in_style(
    parts: list[str],
    style: str,
    rng: Random,
    said: str,
    slots: Slots,
    *,
    guarded: bool = False,
    telling: bool = True,
    agreeing: bool = False,
) -> str:
    """Say `parts` in a style.

    Args:
        parts: Answers, one after another.
        style: Key of grammar/styles.yaml.
        rng: Where draws come from.
        said: What the client has said, in lower case.
        slots: What fills the style's own lines.
        telling: Whether the answer tells of the problem, so that more of it may follow.
        agreeing: Whether a task or an order is agreed to: nothing leads up to that.
        guarded: Say what this style says when it holds back, instead of `parts`.
    """
    manner = manner_of(style)
    if guarded:
        return choose(manner.held_back, rng, said, slots, again=False)
    kept = [_keep(sentences(part), manner.keep) for part in parts]
    spoken = [sentence for part in kept for sentence in part][: max(manner.keep, len(kept))]
    said = "\n".join([said, *spoken]).lower()
    before = after = ""
    short = sum(len(sentence.split()) for sentence in spoken) < SHORT
    opens = manner.anywhere if not telling else {"before", "after"}
    wanted = "before" in opens and not agreeing and rng.random() < manner.share
    framed = bool(FILLER.match(spoken[0]) or said_in_passing(spoken[0])) if spoken else True
    if wanted and not short and not framed:
        before = choose(manner.before, rng, said, slots, again=False)
    if "after" in opens and rng.random() < manner.share * LATER:
        # One turn of phrase around an answer is a manner of speaking; two are a list of them.
        alone = not before and not any(map(said_in_passing, spoken))
        lines = manner.after if alone else manner.told_after
        after = choose(lines, rng, said, slots, again=False)
    if before.endswith((",", " but")) and spoken:
        spoken[0] = inside(spoken[0])
    return tidy(" ".join([before, *spoken, after]))


def _keep(spoken: list[str], keep: int) -> list[str]:
    """Leave `keep` sentences of an answer; where one is left, the one that says most."""
    return [max(spoken, key=_weight)] if keep == 1 and spoken else spoken[:keep]


def _weight(sentence: str) -> float:
    """Weigh what a sentence tells: a thought, a number or a feeling before mere length."""
    signs = ('"' in sentence) + any(c.isdigit() for c in sentence)
    return 100 * (signs + bool(named_feelings(sentence))) + len(sentence)
