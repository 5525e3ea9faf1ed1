"""What an evaluation found, as data: means, differences, spreads, and what was left out."""

from __future__ import annotations

from domain.base import Noun

ANSWERS, VERDICTS, SUMMARY = "answers.jsonl", "verdicts.jsonl", "summary.json"
"""Files in the evaluation's folder."""
REFERENCE = "reference"
"""Variant name of what the real therapist said next: judged too, shown apart, never compared."""


class Mean(Noun):
    """One variant's scores on one criterion.

    `low` and `high` bound a 95% interval of the mean, by bootstrap over sessions (`groups`), so
    that several scenarios of one conversation do not count as independent. With one group, or
    with equal scores, there is nothing to resample: the bounds equal the mean and `note` says so.
    """

    variant: str
    criterion: str
    n: int
    groups: int
    failures: int
    """Answers without a score: no reply, or no verdict that could be read. Not in the mean."""
    mean: float
    low: float
    high: float
    sd: float
    median: float
    counts: tuple[int, int, int, int, int]
    """How many scored 1, 2, 3, 4, 5."""
    note: str = ""


class Difference(Noun):
    """Scores of `variant` minus those of `against`, scenario by scenario.

    `p` is two-sided, from a permutation of signs over sessions; `p_holm` is corrected for all
    differences of the evaluation (Holm, 1979). Both are None where no test can be made.
    """

    criterion: str
    variant: str
    against: str
    n: int
    groups: int
    mean: float
    low: float
    high: float
    p: float | None
    p_holm: float | None
    significant: bool
    effect: float | None
    """Cohen's d_z: the mean difference over the standard deviation of the differences."""
    wins: int
    ties: int
    losses: int
    win_share: float
    """Wins plus half the ties, as a share; 0.5 is no difference."""
    win_low: float
    win_high: float
    reason: str = ""
    """Why no difference could be found, where that is plain."""
    note: str = ""
    """How the interval was made, where that is not the usual way."""


class Spread(Noun):
    """Whether scores of `variant` vary more or less than those of `against`.

    Brown & Forsythe (1974): Levene's test about the median. It takes the two sets as
    independent; ours share scenarios, which makes it cautious where they agree.
    """

    criterion: str
    variant: str
    against: str
    sd: float
    sd_against: float
    p: float | None
    p_holm: float | None
    significant: bool
    note: str = ""


class JudgeFailure(Noun):
    """Verdicts that could not be had, by reason."""

    variant: str
    criterion: str
    reason: str
    count: int


class Summary(Noun):
    """What the statistics say; a function of the verdicts, the seed and the sample count."""

    alpha: float
    bootstrap_samples: int
    means: tuple[Mean, ...]
    differences: tuple[Difference, ...]
    spreads: tuple[Spread, ...]
    failures: tuple[JudgeFailure, ...]


class EvaluationSummary(Noun):
    """An evaluation: who was compared, on what, judged by whom, and what came out."""

    name: str
    scenarios: int
    groups: int
    origins: dict[str, int]
    """Scenarios by where they come from: real, synthetic."""
    variants: tuple[str, ...]
    criteria: tuple[str, ...]
    judge: str
    supervisor: str
    base: str
    """Fingerprint of the base (SHA-256)."""
    adapters: dict[str, str]
    """SHA-256 of each adapter, by variant."""
    answers: int
    answer_failures: dict[str, int]
    """Answers that could not be had, by variant."""
    answers_cut: dict[str, int]
    """Answers that end at the token limit, by variant."""
    verdicts: int
    verdict_failures: int
    statistics: Summary

    @property
    def means(self) -> tuple[Mean, ...]:
        """Mean scores; the reference stands last."""
        return self.statistics.means
