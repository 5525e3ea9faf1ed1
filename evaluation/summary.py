"""What an evaluation found, as data: means, differences, spreads, and what was left out."""

from __future__ import annotations

from pydantic import Field

from domain.base import Noun

ANSWERS, VERDICTS, SUMMARY = "answers.jsonl", "verdicts.jsonl", "summary.json"
COMPARISONS, SESSIONS = "pairwise.jsonl", "sessions.jsonl"
"""Files in the evaluation's folder."""
CONTROL_CONTEXTS = "control-contexts.jsonl"
"""The controls' own scenarios."""
REFERENCE = "reference"
"""Variant name of what the real therapist said next: judged too, shown apart, never compared."""
EXPERT, NOVICE, AGAIN = "control-expert", "control-novice", "control-again"
PLAIN, SHUFFLED = "control-plain", "control-shuffled"
"""Candidates of the controls: never shown among the models."""
CONTROLS = (EXPERT, NOVICE, AGAIN, PLAIN, SHUFFLED)


class Power(Noun):
    """What a paired comparison of this size can see, at 80% power and a two-sided alpha of 0.05.

    Sessions are what is counted, since their scenarios are not independent; the scenarios are those
    of as many sessions. None where it cannot be told: no difference, no spread, or one session.
    """

    detectable: float | None
    """Smallest true difference, in points, that would be found four times in five."""
    sessions: int | None
    """Sessions needed for a true difference as large as the one seen."""
    scenarios: int | None
    """The scenarios of so many sessions."""


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
    """How many scored 1, 2, 3, 4, 5; a panel's mean counts where it rounds to."""
    note: str = ""


class Difference(Noun):
    """Scores of `variant` minus those of `against`, scenario by scenario.

    `p` is two-sided, from a permutation of signs over sessions; `p_holm` is corrected for all
    differences of the evaluation that can be tested (Holm, 1979). Both are None where no test can
    be made, or none over so few sessions could reach 0.05.
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
    p_wilcoxon: float | None = None
    """Wilcoxon's signed-rank test on sessions' mean differences, as a second opinion."""
    power: Power | None = None

    @property
    def tested(self) -> bool:
        """Whether the test could have come out either way."""
        return self.p is not None and not self.reason


class Spread(Noun):
    """Whether scores of `variant` vary more or less than those of `against`, paired by scenario.

    `ratio` is the variance of the one over that of the other, with a 95% interval by bootstrap
    over sessions. The test is that of Pitman (1939) and Morgan (1939) by permutation: where the
    spreads are equal, the difference of the squared deviations of a scenario's two scores is as
    often above as below zero. The signs of whole sessions are flipped.
    """

    criterion: str
    variant: str
    against: str
    n: int = 0
    groups: int = 0
    sd: float
    sd_against: float
    ratio: float | None = None
    """Below 1: `variant` varies less. None where one of the two does not vary at all."""
    low: float | None = None
    high: float | None = None
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


class ControlFigure(Noun):
    """How far two candidates of a control are apart on one criterion, or on the mean of all."""

    criterion: str
    n: int
    groups: int
    mean: float
    low: float
    high: float
    p: float | None


class Control(Noun):
    """A comparison of which it is known beforehand how it must come out.

    `passed` is None where it could not be tried; `detail` says why, or what came out.
    """

    name: str
    must: str
    """What has to come out, in words."""
    variant: str
    against: str
    passed: bool | None
    detail: str
    overall: ControlFigure | None = None
    """On the mean of all criteria: this decides."""
    by_criterion: tuple[ControlFigure, ...] = ()


class Strength(Noun):
    """One variant's place in a Bradley-Terry model of who wins against whom.

    `strength` is the log odds of winning against a model of average strength; 0 is average.
    """

    variant: str
    criterion: str
    strength: float
    low: float
    high: float
    comparisons: int
    """Comparisons that it took part in."""


class Summary(Noun):
    """What the statistics say; a function of the verdicts, the seed and the sample count."""

    alpha: float
    bootstrap_samples: int
    means: tuple[Mean, ...]
    differences: tuple[Difference, ...]
    spreads: tuple[Spread, ...]
    failures: tuple[JudgeFailure, ...]
    controls: tuple[Control, ...] = ()
    strengths: tuple[Strength, ...] = ()

    @property
    def controls_failed(self) -> tuple[Control, ...]:
        """Controls that came out as they must not."""
        return tuple(one for one in self.controls if one.passed is False)


class SafetyShare(Noun):
    """How many of one variant's answers to adversarial prompts of one kind were safe.

    `low` and `high` bound Wilson's 95% interval. `unknown` answers are in neither count: there was
    no answer, no verdict that could be read, or a panel of two minds.
    """

    variant: str
    kind: str
    """A kind of the set, or `all`."""
    n: int
    safe: int
    unknown: int
    share: float | None
    low: float | None
    high: float | None


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
    """SHA-256 of each adapter, and of each whole model beside the base, by variant."""
    hosted: dict[str, str] = Field(default_factory=dict)
    """Model and host of each variant that others serve."""
    answers: int
    answer_failures: dict[str, int]
    """Answers that could not be had, by variant."""
    answers_cut: dict[str, int]
    """Answers that end at the token limit, by variant."""
    verdicts: int
    verdict_failures: int
    statistics: Summary
    panel: tuple[str, ...] = ()
    """Names of the judges, as verdicts name them."""
    samples: int = 1
    """How often each judge was asked."""
    comparisons: int = 0
    """Lines of pairwise.jsonl."""
    sessions: dict[str, int] = Field(default_factory=dict)
    """Sessions played to their end, by variant."""
    session_failures: dict[str, int] = Field(default_factory=dict)
    adversarial: tuple[SafetyShare, ...] = ()
    lineage_unknown: tuple[str, ...] = ()
    """Variants without a blend in the run: whether they have seen the scenarios cannot be told."""
    blends: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of the messages of each variant's blend, in hex."""
    verdicts_hash: str = ""
    """SHA-256 of verdicts.jsonl, in hex; empty in summaries of earlier versions."""

    @property
    def means(self) -> tuple[Mean, ...]:
        """Mean scores; the reference stands last."""
        return self.statistics.means
