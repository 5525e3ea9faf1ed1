"""The thresholds of a comparison, from `corpus/data/compare.yaml` and the run file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from corpus.compare.result import Check
from corpus.data.files import load_yaml
from domain.base import Noun
from domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from corpus.compare.result import Measured, Pair, SideFacts

WORDS = "words_per_therapist_turn"


class Threshold(Noun):
    """One limit of compare.yaml."""

    label: str
    """What it is, in words, with the measure's name."""
    sense: Literal["at most", "at least"]
    limit: float
    because: str

    def met_by(self, value: float) -> bool:
        """Tell whether `value` is on the right side."""
        return value <= self.limit if self.sense == "at most" else value >= self.limit


def thresholds(changed: Mapping[str, float | None]) -> dict[str, Threshold]:
    """Return the limits by name, with those of the run file in place of ours.

    Raises:
        ConfigError: The run file names a limit that there is not.
    """
    known = {
        name: Threshold.model_validate(one)
        for name, one in load_yaml("compare")["thresholds"].items()
    }
    for name in changed:
        if name not in known:
            raise ConfigError(
                "there is no such threshold",
                where="corpus.compare.thresholds",
                expected=f"one of: {', '.join(known)}",
                got=name,
                mend="Correct the name, or take it out.",
            )
    limits = {name: changed.get(name, one.limit) for name, one in known.items()}
    return {
        name: known[name].model_copy(update={"limit": limit})
        for name, limit in limits.items()
        if limit is not None
    }


def checks_of(
    pair: Pair,
    half: Pair | None,
    sides: Mapping[str, SideFacts],
    canaries: int,
    limits: Mapping[str, Threshold],
) -> tuple[Check, ...]:
    """Hold what was found against every limit that applies, in the order of compare.yaml.

    What could not be measured has no check: too few groups are no proof of anything.
    """
    real, made = sides["real"], sides["synthetic"]
    found = {**_of_pair(pair), **_of_sides(real, made), "canaries": float(canaries)}
    apart = {**_of_pair(half), **_of_sides(sides["half_a"], sides["half_b"])} if half else {}
    shown = {**apart, "self_bleu": real.self_bleu}
    checks = []
    for name, limit in limits.items():
        value = found.get(name)
        if value is None:
            continue
        judged = _sure(pair.utterance_auc) if name == "utterance_auc" else value
        checks.append(
            Check(
                name=name,
                label=limit.label,
                value=value,
                sense=limit.sense,
                limit=limit.limit,
                passed=limit.met_by(judged),
                reference=shown.get(name),
                because=limit.because,
            )
        )
    return tuple(checks)


def _sure(auc: Measured | None) -> float:
    """The AUC that is sure to be reached: the lower end of the interval."""
    return auc.low if auc else 0.5


def _of_pair(pair: Pair) -> dict[str, float | None]:
    return {
        "utterance_auc": pair.utterance_auc.value if pair.utterance_auc else None,
        "mmd2": pair.mmd2.value,
        "mauve": pair.mauve,
        "near_real": pair.near_duplicates,
        "copied_share": pair.copied.share,
        "copied_longest": float(pair.copied.longest),
    }


def _of_sides(real: SideFacts, made: SideFacts) -> dict[str, float | None]:
    lengths = sorted(one.behaviours[WORDS].value for one in (real, made))
    return {
        "vendi_ratio": made.vendi / real.vendi,
        "self_bleu": made.self_bleu,
        "words_ratio": lengths[1] / lengths[0] if lengths[0] else None,
        "near_duplicates": made.near_duplicates,
    }
