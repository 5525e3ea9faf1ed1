"""Numbers and findings in words: what may be said, and what may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.settings import TINY
from evaluation.paired import FEW
from evaluation.resampling import FEW_GROUPS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.settings import Settings
    from evaluation.summary import Control, Difference, EvaluationSummary, Summary

MINUS = "−"  # noqa: RUF001 - the typographer's minus, as wide as a plus
NAMES = {
    "base": "the untrained base",
    "real": "real-only",
    "synthetic": "synthetic-only",
    "hybrid": "hybrid",
    "real-oversampled": "real repeated to the hybrid's size",
    "shuffled": "the shuffled control",
}
UNDERSTUDY = "understudy"
MANY_FAILURES = 0.05
MOST_LISTED = 5
"""More comparisons without a finding are counted, not named."""
MANY_CRITERIA = 3
"""More are counted in a title, not named."""


def number(value: float, digits: int = 2, *, signed: bool = False) -> str:
    """Write a number with a real minus sign; `signed` puts a plus before positive ones."""
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return text
    return f"{MINUS if value < 0 else '+' if signed else ''}{text}"


def bounds(low: float, high: float, digits: int = 2, *, signed: bool = False) -> str:
    """Write an interval, e.g. `0.12 to 0.40`."""
    return f"{number(low, digits, signed=signed)} to {number(high, digits, signed=signed)}"


def p_value(p: float | None) -> str:
    """Write a p value; a dash where no test could be made."""
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def named(variant: str) -> str:
    """Return a variant's name as it stands in a sentence."""
    return NAMES.get(variant, variant)


def title(summary: EvaluationSummary) -> str:
    """Say what is compared on what, e.g. `Hybrid against real-only, on empathy and relevance`."""
    found = summary.statistics.differences
    if not found:
        return "What the models say to held-out scenarios"
    one, other = named(found[0].variant), named(found[0].against)
    criteria = list(dict.fromkeys(each.criterion.replace("_", " ") for each in found))
    on = f"{', '.join(criteria[:-1])} and {criteria[-1]}" if len(criteria) > 1 else criteria[0]
    if len(criteria) > MANY_CRITERIA:
        on = f"{len(criteria)} criteria"
    return f"{one[0].upper()}{one[1:]} against {other}, on {on}"


def answer(summary: EvaluationSummary) -> tuple[str, ...]:
    """Return the answer in at most two sentences, each with its uncertainty.

    First the question that the run was made for, hybrid against real-only; then the best-trained
    variant against the base. Whichever is missing is left out.
    """
    found = summary.statistics.differences
    return tuple(
        _sentence([one for one in found if (one.variant, one.against) == pair])
        for pair in questions(summary)
    )


def questions(summary: EvaluationSummary) -> list[tuple[str, str]]:
    """Return the comparisons that the answer is about, each as (variant, against)."""
    found = summary.statistics.differences
    pairs = list(dict.fromkeys((one.variant, one.against) for one in found))
    against_base = next((pair for pair in pairs if pair[1] == "base"), None)
    return [pair for pair in (("hybrid", "real"), against_base) if pair in pairs]


def _sentence(differences: Sequence[Difference]) -> str:
    """Say where one is higher, where lower, and where the two cannot be told apart."""
    one, other = named(differences[0].variant), named(differences[0].against)
    if not any(each.tested for each in differences):
        return _untested(one, other, differences)
    better = [each for each in differences if each.significant and each.mean > 0]
    worse = [each for each in differences if each.significant and each.mean <= 0]
    alike = [each for each in differences if not each.significant]
    parts = [
        f"scores {word} than {other} on {_found(found)}"
        for word, found in (("higher", better), ("lower", worse))
        if found
    ]
    clauses = [f"{one} {' and '.join(parts)}"] if parts else []
    if alike:
        who = "the two" if parts else f"{one} and {other}"
        clauses.append(f"{who} cannot be told apart on {_found(alike)}")
    text = "; ".join(clauses)
    return f"{text[0].upper()}{text[1:]}."


def _untested(one: str, other: str, differences: Sequence[Difference]) -> str:
    """Say that there was no test, and why: an interval beside no test would look like a finding."""
    if not any(each.mean for each in differences) and differences[0].groups >= FEW:
        return f"{one[0].upper()}{one[1:]} and {other} have the same score in every scenario."
    found = " and ".join(
        f"{number(each.mean, signed=True)} on {each.criterion}" for each in differences
    )
    return (
        f"Whether {one} and {other} differ cannot be tested: the scenarios come from "
        f"{differences[0].groups} held-out sessions, and no difference over fewer than {FEW} can "
        f"be told from chance (seen here: {found})."
    )


def _found(differences: Sequence[Difference]) -> str:
    return " and ".join(
        f"{one.criterion} ({number(one.mean, signed=True)}, "
        f"95% interval {bounds(one.low, one.high, signed=True)}"
        + (f", corrected p {p_value(one.p_holm)}" if one.p_holm is not None else "")
        + ")"
        for one in differences
    )


def not_significant(summary: EvaluationSummary) -> tuple[str, ...]:
    """List the comparisons that show no difference beyond chance, at most `MOST_LISTED` a reason.

    The rest are counted: all of them stand in the table of differences.
    """
    by_reason: dict[str, list[str]] = {}
    for one in summary.statistics.differences:
        if not one.significant:
            pair = f"{one.criterion}, {named(one.variant)} against {named(one.against)}"
            test = (
                "" if one.p_holm is None or one.reason else f" (corrected p {p_value(one.p_holm)})"
            )
            by_reason.setdefault(one.reason, []).append(pair + test)
    return tuple(line for reason, pairs in by_reason.items() for line in _cut_list(reason, pairs))


def _cut_list(reason: str, pairs: Sequence[str]) -> list[str]:
    """Name the first comparisons and count the others; in one line where they share a reason."""
    shown, more = pairs[:MOST_LISTED], len(pairs) - MOST_LISTED
    rest = [f"and {more} more, in the table above"] if more > 0 else []
    if reason:
        return [f"{reason[0].upper()}{reason[1:]}: {'; '.join([*shown, *rest])}."]
    return [f"{line}." for line in (*shown, *rest)]


def notices(settings: Settings, summary: EvaluationSummary) -> tuple[str, ...]:
    """Return what a reader must know before the figures, the gravest first."""
    return tuple(
        text
        for text in (
            *_undecided(summary.statistics),
            _understudy(settings),
            _tiny(settings),
            _same_model(settings, summary),
            _few(summary),
            _failures(summary),
            _cut(summary),
        )
        if text
    )


def alarms(summary: EvaluationSummary) -> tuple[str, ...]:
    """Say which controls failed: then nothing that follows can be believed."""
    return tuple(
        f"A control failed: {one.name}. {one.must[0].upper()}{one.must[1:]}; {one.detail}"
        f"{_how_far(one)}. Do not believe what follows before that is mended."
        for one in summary.statistics.controls_failed
    )


def _undecided(found: Summary) -> list[str]:
    if not found.controls:
        return ["No controls were judged, so nobody knows whether this judge can tell."]
    return [
        f"A control could not be decided: {one.name} ({one.detail})."
        for one in found.controls
        if one.passed is None
    ]


def _how_far(control: Control) -> str:
    found = control.overall
    if found is None:
        return ""
    return f" ({number(found.mean, signed=True)} on the mean of all criteria, p {p_value(found.p)})"


def played_by_understudy(settings: Settings) -> list[str]:
    """Return the roles that the understudy had."""
    return [name for name, role in settings.roles if role.model.startswith(UNDERSTUDY)]


def _understudy(settings: Settings) -> str:
    roles = played_by_understudy(settings)
    if not roles:
        return ""
    judged = "judge" in roles
    players = [role for role in roles if role != "judge"]
    what = " and ".join(
        part
        for part in (
            f"played {_listed(players)}" if players else "",
            "judged the answers" if judged else "",
        )
        if part
    )
    tail = (
        "Its scores are not evidence about language models"
        if judged
        else "Its sessions are not evidence about what a language model would have written"
    )
    return f"The understudy, a rule-based stand-in for a model, {what}. {tail}."


def _tiny(settings: Settings) -> str:
    if settings.training.base != TINY:
        return ""
    return (
        "The base is a tiny model trained from scratch on this machine. It proves that the "
        "plumbing works, not that the method does."
    )


def _same_model(settings: Settings, summary: EvaluationSummary) -> str:
    if settings.roles.judge.model == settings.roles.supervisor.model:
        return (
            f"Judge and supervisor are the same model ({summary.judge}): it rates answers of "
            "models that were trained on what it had accepted, which favours them. Use another "
            "judge."
        )
    if UNDERSTUDY in settings.roles.judge.model and UNDERSTUDY in settings.roles.supervisor.model:
        return (
            "Judge and supervisor read with the same word lists: acceptance by the same eyes "
            "favours what was trained on accepted sessions. Use another judge."
        )
    return ""


def _few(summary: EvaluationSummary) -> str:
    if summary.groups >= FEW_GROUPS:
        return ""
    return (
        f"The {summary.scenarios} scenarios come from only {summary.groups} held-out sessions; "
        "intervals are wide, and no test over so few says much."
    )


def _failures(summary: EvaluationSummary) -> str:
    share = summary.verdict_failures / max(1, summary.verdicts)
    if share <= MANY_FAILURES:
        return ""
    return (
        f"{summary.verdict_failures} of {summary.verdicts} verdicts ({100 * share:.0f}%) could "
        "not be had and are left out; if that happened to hard answers, the means flatter."
    )


def _cut(summary: EvaluationSummary) -> str:
    cut, answers = sum(summary.answers_cut.values()), max(1, summary.answers)
    if cut / answers <= MANY_FAILURES:
        return ""
    return (
        f"{cut} of {summary.answers} answers end at the token limit, in the middle of a sentence "
        "perhaps; they were judged as they are."
    )


def _listed(names: Sequence[str]) -> str:
    if len(names) < 2:
        return f"the {''.join(names)}"
    return f"the {', '.join(names[:-1])} and {names[-1]}"
