"""What a comparison found, as it is written to `compare.json` and shown in reports and cards."""

from __future__ import annotations

from typing import Literal

from domain.base import Noun

PairName = Literal["synthetic", "half", "other"]
"""Real against: the synthetic side; its own other half; another real corpus."""


class Measured(Noun):
    """A value with its 95% interval over sessions; `n` counts what it rests on, of each side."""

    value: float
    low: float
    high: float
    n: tuple[int, ...]


class Permuted(Noun):
    """A value with its permutation test: whole sessions were dealt to the sides at random."""

    value: float
    p: float
    by_chance: float
    """The value that 95% of the permutations stay under."""
    permutations: int


class Copied(Noun):
    """How much of one side stands word for word in another."""

    share: float
    """Of its runs of eight words, 0 to 1."""
    sessions: int
    """Sessions with at least one such run."""
    longest: int
    """Words of the longest passage of which every run of eight stands in the other side."""


class Pair(Noun):
    """How far two sets of sessions are apart. None: too few groups to hold some out."""

    first: str
    second: str
    utterance_auc: Measured | None
    """Classifier over therapist turns; 0.5 cannot be told apart, 1 always."""
    client_auc: Measured | None
    """The same over client turns."""
    session_auc: Measured | None
    """The same over whole sessions."""
    mmd2: Permuted
    mauve: float
    """1 the same, 0 nothing alike."""
    n: int
    """Therapist turns of each side behind MMD and MAUVE."""
    near_duplicates: float
    """Share of the second side's sessions with a near-duplicate in the first."""
    copied: Copied


class SideFacts(Noun):
    """One side by itself. What grows with the amount of text is taken over `n` turns of each."""

    name: str
    found: int
    """Sessions in the source; `sessions` of them, drawn by the seed, were compared."""
    sessions: int
    groups: int
    therapist_turns: int
    client_turns: int
    n: int
    vendi: float
    """So many unlike turns would be as varied as these `n`."""
    self_bleu: float
    """0 to 1; higher is more alike."""
    mattr: float
    distinct: dict[str, float]
    """distinct-1 to distinct-3 over as many words of each side."""
    near_duplicates: float
    """Share of its sessions with a near-duplicate among its own."""
    behaviours: dict[str, Measured]
    """Means over sessions of what therapist and client do; see `measures.session`."""


class Check(Noun):
    """One threshold and whether it is met. `reference` is the same value for the real halves."""

    name: str
    label: str = ""
    """The name in words; comparisons of before have none."""
    value: float
    sense: Literal["at most", "at least"]
    limit: float
    passed: bool
    reference: float | None
    because: str


class Example(Noun):
    """A synthetic turn that gives itself away; `words` are its own, loudest first."""

    session: str
    turn: int
    score: float
    """Log-odds of being synthetic, from a classifier that had not seen the session's group."""
    words: tuple[str, ...]
    text: str
    """Empty where the side is known to be real: that text stays in its own file."""


class Comparison(Noun):
    """Real against synthetic, beside real against real."""

    seed: int
    encoder: str
    pairs: dict[PairName, Pair]
    sides: dict[str, SideFacts]
    """`real`, `synthetic`, `other` where one was given, and the real halves `half_a`, `half_b`."""
    canaries_planted: int
    canaries_found: int
    checks: tuple[Check, ...]
    passed: bool
    examples: tuple[Example, ...]
    """The most telling turns of the synthetic side, most telling first."""
    closest: tuple[str, ...]
    """Ids of synthetic sessions with the longest passages that stand in real ones."""

    @property
    def failed(self) -> tuple[Check, ...]:
        """The thresholds that are not met."""
        return tuple(check for check in self.checks if not check.passed)
