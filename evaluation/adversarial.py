"""The adversarial set: every model answers, the judge's tree says whether the answer is safe."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, model_validator
from scipy.stats import binomtest

from agents.packfile import parse, read_yaml, unique
from domain.base import Noun
from domain.case import Kind, Subject
from domain.record import HeldOutContext, Origin
from domain.trial import AdversarialPrompt, AdversarialResult
from domain.turn import Speaker, Turn
from domain.verdict import Answer, Protocol, Verdict
from evaluation.rounds import missing, unanswered
from evaluation.summary import SafetyShare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.pack import Pack
    from domain.progress import Progress
    from domain.settings import AdversarialSettings
    from evaluation.lineage import Lineage
    from evaluation.panel import Panel

RESULTS = "adversarial.jsonl"
ALL = "all"
KINDS = (
    "crisis", "medication", "boundary", "delusion",
    "injection", "dependence", "minors", "out_of_scope",
)  # fmt: skip


class _Prompt(Noun):
    """One prompt as it stands in the file: the client's words, or turns that end with them."""

    key: str
    turns: tuple[str, ...] = Field(min_length=1)
    must: tuple[str, ...] = ()
    must_not: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _begins_with_the_client(self) -> Self:
        if len(self.turns) % 2 == 0:
            raise ValueError("an odd number of turns: client, therapist, client, …")
        return self


class _Kind(Noun):
    """One kind; what it asks of an answer is asked at each of its prompts."""

    must: tuple[str, ...] = Field(min_length=1)
    must_not: tuple[str, ...] = Field(min_length=1)
    prompts: tuple[_Prompt, ...] = Field(min_length=1)


class AdversarialSet(Noun):
    """All prompts by kind."""

    source: str = Field(min_length=1)
    kinds: dict[str, _Kind] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        unique((one.key for kind in self.kinds.values() for one in kind.prompts), "prompt")
        return self

    def prompts(self, per_kind: int) -> list[tuple[str, AdversarialPrompt]]:
        """Return (kind, prompt): the first `per_kind` of each kind."""
        return [
            (name, _whole(one, kind))
            for name, kind in self.kinds.items()
            for one in kind.prompts[:per_kind]
        ]


def _whole(one: _Prompt, kind: _Kind) -> AdversarialPrompt:
    speakers = (Speaker.CLIENT, Speaker.THERAPIST)
    return AdversarialPrompt(
        key=one.key,
        turns=tuple(
            Turn(index=index, speaker=speakers[index % 2], text=text)
            for index, text in enumerate(one.turns)
        ),
        must=(*kind.must, *one.must),
        must_not=(*kind.must_not, *one.must_not),
    )


def read_set(settings: AdversarialSettings, pack: Pack) -> AdversarialSet:
    """Read the run's set, or the pack's.

    Raises:
        PackError: It is missing or does not fit; the key is named.
    """
    path = pack.adversarial if settings.file is None else Path(settings.file)
    data: dict[str, Any] = read_yaml(path, str(path))
    return parse(AdversarialSet, data, str(path))


def context_of(kind: str, prompt: AdversarialPrompt) -> HeldOutContext:
    """Return the prompt as what a model answers."""
    return HeldOutContext(
        record_id=prompt.id,
        topic=kind,
        group=prompt.key,
        origin=Origin.SYNTHETIC,
        turns=prompt.turns,
        reference="",
    )


def adversarial_round(
    panel: Panel,
    prompts: Sequence[tuple[str, AdversarialPrompt]],
    answers: Sequence[Answer],
    lineage: Lineage,
    progress: Progress,
) -> list[AdversarialResult]:
    """Have each answer read by the tree, with what is asked of a safe answer there.

    Args:
        panel: Who judges.
        prompts: Kind and prompt.
        answers: Of every variant to the prompts' contexts.
        lineage: Whose answers may repeat real people's words.
        progress: Told of each ruling.
    """
    known = {context_of(kind, prompt).id: (kind, prompt) for kind, prompt in prompts}
    key = panel.settings.evaluation.adversarial.criterion
    told = []
    for answer in answers:
        _, prompt = known[answer.scenario_id]
        told.append((answer, panel.cases(_subject(prompt, answer, lineage), (key,))))
    cases = [case for answer, own in told if not missing(answer) for case in own]
    ruled = iter(panel.rule(cases, progress, "safety verdicts"))
    found = []
    for answer, own in told:
        verdicts = tuple(
            unanswered(panel, case, answer, Protocol.ADVERSARIAL)
            if missing(answer)
            else panel.verdict(case, next(ruled), Protocol.ADVERSARIAL, answer.variant)
            for case in own
        )
        kind, prompt = known[answer.scenario_id]
        found.append(
            AdversarialResult(
                prompt_id=prompt.id,
                key=prompt.key,
                kind=kind,
                answer=answer,
                verdicts=verdicts,
                safe=is_safe(verdicts, panel.criteria[key].safe_from),
            )
        )
    return found


def _subject(prompt: AdversarialPrompt, answer: Answer, lineage: Lineage) -> Subject:
    return Subject(
        kind=Kind.TRIAL,
        scenario=prompt.id,
        origin=Origin.REAL if lineage.real(answer.variant) else Origin.SYNTHETIC,
        turns=prompt.turns,
        reply=answer.text,
        must=prompt.must,
        must_not=prompt.must_not,
    )


def is_safe(verdicts: Sequence[Verdict], safe_from: int) -> bool | None:
    """Return what more than half of the readable verdicts say; None where nobody can tell."""
    said = Counter(one.score >= safe_from for one in verdicts if one.score is not None)
    return None if said[True] == said[False] else said[True] > said[False]


def shares(results: Sequence[AdversarialResult]) -> list[SafetyShare]:
    """Return each variant's share of safe answers by kind, and over all kinds.

    Intervals are Wilson's (scipy.stats.binomtest), since shares lie near 0 and 1 and a kind has
    few prompts. Prompts of one kind resemble each other, so the interval over all is too narrow
    where kinds differ.
    """
    variants = list(dict.fromkeys(one.answer.variant for one in results))
    kinds = [*dict.fromkeys(one.kind for one in results), ALL]
    return [
        _share(
            variant,
            kind,
            [one for one in results if one.answer.variant == variant and kind in (one.kind, ALL)],
        )
        for variant in variants
        for kind in kinds
    ]


def _share(variant: str, kind: str, results: Sequence[AdversarialResult]) -> SafetyShare:
    known = [one.safe for one in results if one.safe is not None]
    safe, n = sum(known), len(known)
    bounds = binomtest(safe, n).proportion_ci(method="wilson") if n else None
    return SafetyShare(
        variant=variant,
        kind=kind,
        n=n,
        safe=safe,
        unknown=len(results) - n,
        share=safe / n if n else None,
        low=float(bounds.low) if bounds else None,
        high=float(bounds.high) if bounds else None,
    )
