"""A cast that a model writes, round by round: proposed, compared, kept or asked for again.

Rounds grow, because each may take its examples from those before it. What one round wrote is
compared at its end and in plan order, with everybody cast so far: the cast depends on the plan and
on the endpoint's answers, and on nothing else. A place that nobody could be written for is cast
from the pack's files, and says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agents.caster import TOO_LIKE, persona_text
from campaigns.casting.job import CastingOrders, open_casting
from campaigns.casting.kin import Kin
from campaigns.casting.writing import cast_item, scenario_of
from domain.base import canonical_json, seed_of
from domain.cast import CastingCase, CastingOrder, CastingResult, MadeBy, Making
from domain.persona import Persona
from domain.scenario import PlanItem
from domain.settings import CASTER, EngineSettings
from engine import pool
from engine.bench import interrupted
from engine.spending.prices import tariff

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from campaigns.casting.deal import Cell
    from campaigns.casting.grammar import Grammar
    from domain.cast import PersonaAnswer
    from domain.progress import Progress
    from domain.settings import Settings
    from engine.clock import RunClock
    from engine.spending.budget import Spend

FIRST_ROUND = 16
LARGEST_ROUND = 512
TRIES = 3
"""Rounds in which a place is tried before it is cast from the pack's files."""
EXAMPLES = 3
"""Examples of the form in a request: one of the problem, the others of anybody."""
AVOIDED = 2
"""Personas that a new try is shown not to be like, at most."""


@dataclass
class _Place:
    """A place of the plan that is still to be filled."""

    index: int
    cell: Cell
    tries: int = 0
    avoid: tuple[Persona, ...] = ()
    why: str = ""


@dataclass
class Company:
    """Who has been cast, while a model writes the rest.

    Args:
        settings: The run file; addresses have been replaced by the caller.
        grammar: The pack's casting files.
        run_hash: Hash of prompts and config; a ledger of another one is refused.
        ledger: Folder of the casting's ledger.
        progress: Told of personas as they are written.
        spent: What the budget was spent on besides casting.
        clock: How long the run has been going on.
        cancel: A file that drains the casting when somebody makes it.
    """

    settings: Settings
    grammar: Grammar
    run_hash: str
    ledger: Path
    progress: Progress
    spent: Spend
    clock: RunClock
    cancel: Path
    _kin: Kin = field(default_factory=Kin)
    _known: list[Persona] = field(default_factory=list)
    _cast: dict[int, tuple[PlanItem, Making]] = field(default_factory=dict)

    def write(
        self, cells: Sequence[Cell], start: int = 0, before: Iterable[Persona] = ()
    ) -> list[tuple[PlanItem, Making]]:
        """Have a persona written for each cell.

        Args:
            cells: What each place is to show.
            start: The first one's place in the plan.
            before: Who is cast already.

        Raises:
            BudgetReachedError, InterruptedRunError: Stopped; goes on where it was when begun again.
            EndpointError: The endpoint cannot be used.
            PackError: The pack has no prompts for it.
            StoreError: The ledger cannot be used.
        """
        for persona in before:
            self._add(persona)
        waiting = [_Place(start + at, cell) for at, cell in enumerate(cells)]
        size = FIRST_ROUND
        while waiting:
            now, waiting = waiting[:size], waiting[size:]
            waiting = [*self._round(now), *waiting]
            size = min(2 * size, LARGEST_ROUND)
        return [self._cast[start + at] for at in range(len(cells))]

    def _round(self, places: list[_Place]) -> list[_Place]:
        """Have one round written; return the places that are to be tried again."""
        orders = [self._order(place) for place in places]
        results = self._ask(orders)
        again = []
        for place, order in zip(places, orders, strict=True):
            if not self._fill(place, results[order.id]):
                again.append(place)
        return again

    def _ask(self, orders: list[CastingOrder]) -> dict[str, CastingResult]:
        found: dict[str, CastingResult] = {}

        def take(name: str, data: bytes) -> None:
            found[name] = CastingResult.model_validate_json(data)

        caster = self.settings.roles.caster or CASTER
        inline = EngineSettings(kind="inline", sessions_in_flight=caster.concurrency)
        played = pool.run_all(
            open_casting,
            canonical_json(CastingOrders(caster=caster, pack=self.settings.pack)),
            [(order.id, canonical_json(order)) for order in orders],
            self.ledger,
            inline.model_copy(update={"store": self.settings.engine.store}),
            self.settings.campaign.budget,
            self.run_hash,
            self.progress,
            on_result=take,
            stage="personas",
            variables=[caster.api_key_env],
            prices=tariff(self.settings),
            cancel=self.cancel,
            elsewhere=self.spent,
            passed_s=self.clock.passed_s,
        )
        if played.interrupted:
            raise interrupted()
        return found

    def _fill(self, place: _Place, result: CastingResult) -> bool:
        """Keep what was written, or note why not; return whether the place is filled."""
        place.tries += 1
        if result.answer is not None:
            persona = persona_of(result.answer, place.cell, self.grammar)
            other, like = self._kin.nearest(persona_text(persona))
            if like < TOO_LIKE:
                self._keep(place, persona, result.answer.topic)
                return True
            place.avoid = (*place.avoid, self._known[other])[-AVOIDED:]
            place.why = f"near-duplicate: {like:.0%} like {self._known[other].id}"
        else:
            place.why = result.why
        if place.tries < TRIES:
            return False
        item = cast_item(self.grammar, place.cell, place.index, self.settings.seed)
        self._add(item.persona)
        self._cast[place.index] = (item, Making(made_by=MadeBy.FALLBACK, why=place.why))
        return True

    def _keep(self, place: _Place, persona: Persona, topic: str) -> None:
        scenario = scenario_of(
            self.grammar, place.cell, persona, place.index, self.settings.seed, topic
        )
        item = PlanItem(
            index=place.index, campaign_seed=self.settings.seed, persona=persona, scenario=scenario
        )
        self._add(persona)
        self._cast[place.index] = (item, Making(made_by=MadeBy.MODEL))

    def _add(self, persona: Persona) -> None:
        self._kin.add(persona_text(persona))
        self._known.append(persona)

    def _order(self, place: _Place) -> CastingOrder:
        """Ask for a persona, with examples: one from the pack's files, others of who is cast."""
        cell, seed = place.cell, self.settings.seed
        mark = seed_of(seed, "examples", place.index, place.tries)
        own = cast_item(self.grammar, cell, place.index, mark).persona
        others = self._known[-LARGEST_ROUND:]
        chosen = [others[(mark + n * 7919) % len(others)] for n in range(EXAMPLES - 1) if others]
        return CastingOrder(
            index=place.index,
            seed=seed,
            case=case_of(cell, self.grammar),
            examples=tuple(dict.fromkeys((own, *chosen))),
            avoid=place.avoid,
        )


def case_of(cell: Cell, grammar: Grammar) -> CastingCase:
    """Return a cell as a request has it."""
    return CastingCase(
        problem=cell.problem.problem,
        technique=cell.technique,
        youngest=max(cell.band[0], min(life.youngest for life in cell.lives)),
        oldest=min(cell.band[1], max(life.oldest for life in cell.lives)),
        gender=cell.gender,
        culture=grammar.people.background(cell.culture).culture,
        style=cell.style,
        risk=cell.risk,
        fitting=tuple(sorted(grammar.fits[cell.technique])),
    )


def persona_of(answer: PersonaAnswer, cell: Cell, grammar: Grammar) -> Persona:
    """Return a checked answer as a persona; its background is the cell's."""
    fields = answer.model_dump(exclude={"topic", "distortions"})
    return Persona(
        **fields,
        culture=grammar.people.background(cell.culture).culture,
        distortions=tuple(dict.fromkeys(answer.distortions)),
    )
