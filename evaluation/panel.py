"""The panel of judges: who is in it, what it is asked, and what it has said already."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.criteria import chosen, read_criteria, together
from agents.endpoint import check_endpoint
from agents.judge import judge_messages, name_of
from agents.line import close_line
from domain.base import canonical_json, content_id
from domain.call import UNANSWERED
from domain.case import Case, Ruling
from domain.errors import ConfigError
from domain.verdict import Verdict
from engine import pool
from engine.ledger.store import Store
from engine.spending.prices import price_of
from evaluation.judging import Bundle, JudgeOrders, Rulings, open_judging

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from agents.criteria import Criterion
    from agents.pack import Pack
    from domain.case import Subject
    from domain.price import Price
    from domain.progress import Progress
    from domain.runfolder import RunFolder
    from domain.settings import RoleSettings, Settings
    from domain.verdict import Protocol

BUNDLE = 48
"""Cases that are ruled on in one run of the graph."""
LEDGER = "judging"
"""One ledger for all that is ever judged in a run: cases are named by what they depend on."""
_UNANSWERED = tuple(f"{outcome.value}:" for outcome in UNANSWERED)


@dataclass(frozen=True)
class Panel:
    """Judges with the criteria they know, and where what they say is kept."""

    settings: Settings
    pack: Pack
    folder: RunFolder
    judges: tuple[RoleSettings, ...]
    criteria: Mapping[str, Criterion]

    @property
    def ledger(self) -> Path:
        """Folder of the calls."""
        return self.folder.evaluation / "ledger" / LEDGER

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each judge: its model, numbered where two have the same."""
        seen: dict[str, int] = defaultdict(int)
        found = []
        for judge in self.judges:
            seen[judge.model] += 1
            more = seen[judge.model] > 1
            found.append(f"{judge.model}#{seen[judge.model]}" if more else judge.model)
        return tuple(found)

    @property
    def samples(self) -> int:
        """How often each judge is asked."""
        return self.settings.evaluation.panel.samples

    def wheres(self) -> tuple[str, ...]:
        """Return each judge's place in the run file."""
        more = range(len(self.judges) - 1)
        return ("roles.judge", *(f"evaluation.panel.judges.{place}" for place in more))

    def cases(self, subject: Subject, criteria: Iterable[str]) -> list[Case]:
        """Return every question that the panel is asked about one subject."""
        return [
            Case(subject=subject, criterion=criterion, judge=judge, sample=sample)
            for criterion in criteria
            for judge in range(len(self.judges))
            for sample in range(self.samples)
        ]

    def name(self, case: Case) -> str:
        """Return the name under which a case's call is kept."""
        criterion, judge = self.criteria[case.criterion], self.judges[case.judge]
        messages = judge_messages(self.pack, criterion, case.subject)
        return name_of(messages, criterion, case, judge, self.settings.seed)

    def rule(self, cases: Sequence[Case], progress: Progress, stage: str) -> list[Ruling]:
        """Return a ruling for each case, in their order.

        Equal cases are asked once, and what was asked before, by any evaluation or certificate of
        this run, is not asked again. A case that no judge answered (it was down, or refused) is.

        Raises:
            BudgetReachedError: `evaluation.budget` is spent; the same call goes on from there.
            EndpointError: Rulings are missing and a judge cannot be used.
            InterruptedRunError: Stopped; the same call goes on from there.
        """
        names = [self.name(case) for case in cases]
        wanted = dict(zip(names, cases, strict=True))
        known = self._known()
        # sorted by scenario and then by a hash: a judge does not meet one model's answers in a row
        missing = sorted(wanted.keys() - known.keys(), key=lambda n: (_place(wanted[n]), n))
        if missing:
            asyncio.run(self._check({wanted[name].judge for name in missing}))
            known |= self._ask(missing, wanted, progress, stage)
        return [known[name] for name in names]

    def _known(self) -> dict[str, Ruling]:
        """Return every ruling that was made before, but those of calls that no judge answered."""
        results = Store(self.ledger).results().values()
        return {
            ruling.case: ruling
            for data in results
            for ruling in Rulings.model_validate_json(data).rulings
            if not ruling.failure.startswith(_UNANSWERED)
        }

    def _ask(
        self, missing: list[str], wanted: Mapping[str, Case], progress: Progress, stage: str
    ) -> dict[str, Ruling]:
        bundles = {
            content_id("bundle", list(names)): Bundle.of([wanted[name] for name in names])
            for names in (missing[at : at + BUNDLE] for at in range(0, len(missing), BUNDLE))
        }
        found: dict[str, Ruling] = {}

        def take(item: str, result: bytes) -> None:
            rulings = Rulings.model_validate_json(result).rulings
            found.update((ruling.case, ruling) for ruling in rulings)

        def told(stage: str, done: int, total: int, note: str = "") -> None:
            progress(stage, len(found), len(missing), note)

        pool.run_all(
            open_judging,
            canonical_json(self._orders()),
            [(name, canonical_json(bundle)) for name, bundle in bundles.items()],
            self.ledger,
            self.settings.engine,
            self.settings.evaluation.budget,
            LEDGER,
            told,
            take,
            stage=stage,
            variables=sorted({judge.api_key_env for judge in self.judges}),
            again=frozenset((*bundles, *missing)),
            prices=self._prices(),
        )
        return found

    def _orders(self) -> JudgeOrders:
        return JudgeOrders(
            judges=self.judges,
            where=self.wheres(),
            pack=self.settings.pack,
            pack_hash=self.pack.hash,
            criteria=dict(self.criteria),
            seed=self.settings.seed,
        )

    def _prices(self) -> dict[str, Price]:
        """Return the dearest judge's price for all: a ledger counts by role."""
        found = [price_of(judge.model, self.settings.prices) for judge in self.judges]
        known = [price for price in found if price is not None]
        return {"judge": max(known, key=lambda price: price.completion)} if known else {}

    async def _check(self, places: set[int]) -> None:
        wheres = self.wheres()
        try:
            for place in sorted(places):
                await check_endpoint(self.judges[place], wheres[place])
        finally:
            await close_line()

    def verdict(self, case: Case, ruling: Ruling, protocol: Protocol, variant: str) -> Verdict:
        """Return a ruling as what it says of a variant."""
        return Verdict(
            protocol=protocol,
            scenario_id=case.subject.scenario,
            variant=variant,
            criterion=case.criterion,
            judge=self.names[case.judge],
            sample=case.sample,
            **ruling.model_dump(exclude={"case", "better"}),
        )


def _place(case: Case) -> tuple[str, str]:
    return case.subject.scenario, case.criterion


def panel_of(settings: Settings, pack: Pack, folder: RunFolder) -> Panel:
    """Return the run's panel: `roles.judge`, then `evaluation.panel.judges`.

    Raises:
        ConfigError: `evaluation.budget.usd` is set and a judge has no price.
        PackError: A criterion that the run names is not there, or a file of one does not fit.
    """
    evaluation = settings.evaluation
    criteria = together(pack.criteria, read_criteria(evaluation.criteria_files))
    for keys, where in _named(settings):
        chosen(criteria, keys, where)
    judges = (settings.roles.judge, *evaluation.panel.judges)
    panel = Panel(settings, pack, folder, judges, criteria)
    if evaluation.budget.usd is not None:
        for judge, where in zip(judges, panel.wheres(), strict=True):
            _require_price(judge, where, settings)
    return panel


def _require_price(judge: RoleSettings, where: str, settings: Settings) -> None:
    if price_of(judge.model, settings.prices) is None:
        raise ConfigError(
            "a budget in dollars needs the price of every judge",
            where=f"{where}.model: {judge.model}",
            expected="a model of the shipped list or one under `prices:`",
            got="no price",
            mend="Name its price under `prices:`, 0 for a server of your own.",
        )


def _named(settings: Settings) -> list[tuple[tuple[str, ...], str]]:
    """Return what the run file names, with where; only of what is switched on."""
    evaluation = settings.evaluation
    named = [(evaluation.criteria, "evaluation.criteria")]
    if evaluation.pairwise.scenarios:
        named.append((evaluation.pairwise.criteria, "evaluation.pairwise.criteria"))
    if evaluation.sessions.scenarios:
        named.append((evaluation.sessions.criteria, "evaluation.sessions.criteria"))
    if evaluation.adversarial.per_kind:
        named.append(((evaluation.adversarial.criterion,), "evaluation.adversarial.criterion"))
    return named
