"""Reading a ledger: all its shards together, every row checked, every request rebuilt."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from domain.errors import StoreError
from engine.ledger import shards
from engine.ledger.audit import audit
from engine.ledger.reader import Reader
from engine.ledger.recall import ASKED_ANEW
from engine.ledger.shelf import Shelf
from engine.spending.budget import NOTHING, Spend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from domain.call import CallRow
    from domain.price import Price
    from engine.ledger.shard import Shard

_AT_ONCE = 512
"""Results looked for together, so that those of one shard are read together."""


@dataclass(frozen=True)
class Totals:
    """What a run has spent."""

    calls: int
    tokens: int
    """Prompt and completion tokens, as reported."""
    cached_tokens: int
    by_role: dict[str, int]
    """Calls by role."""
    by_outcome: dict[str, int]
    """Calls by outcome."""
    estimated_tokens: int = 0
    """Of calls whose endpoint reported none; not in `tokens`."""


@dataclass(frozen=True)
class CallTally:
    """The calls of one role to one model that ended alike."""

    role: str
    endpoint: str
    model: str
    """As the endpoint names it; empty where no answer came."""
    outcome: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    estimated_prompt: int
    """Tokens of calls whose endpoint reported none, see `engine.spending.budget.estimated`."""
    estimated_completion: int

    def spent(self, price: Price | None) -> Spend:
        """Return what these calls count for against a budget."""
        prompt, completion = self.prompt_tokens, self.completion_tokens
        tokens = prompt + completion + self.estimated_prompt + self.estimated_completion
        if price is None:
            return Spend(self.calls, tokens)
        pico = price.pico(prompt, self.cached_tokens, completion)
        pico += price.pico(self.estimated_prompt, 0, self.estimated_completion)
        return Spend(self.calls, tokens, pico)


class Recorded(NamedTuple):
    """A call and where it is recorded."""

    row: CallRow
    shard: Shard
    number: int
    """Of the shard's calls, in the order of writing."""


class Store:
    """Reads all shards of a ledger; an absent folder is an empty store.

    Raises:
        StoreError: From every method: a foreign file in the folder, a damaged shard, or a database
            that does not answer.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def results(self) -> dict[str, bytes]:
        """Return the result of every finished item; where two epochs have one, the later's.

        For ledgers that fit in memory; see `iter_results`.
        """
        found: dict[str, bytes] = {}
        with self._shelf() as shelf:
            for reader in shelf.readers():
                found.update(reader.results(reader.finished().items()))
        return found

    def result(self, item: str) -> bytes | None:
        """Return one item's result, or None while it has none."""
        with self._shelf() as shelf:
            for at in reversed(range(len(shelf))):
                reader = shelf.reader(at)
                named = reader.named(item) if reader else None
                if reader and named and named.label is not None:
                    return next(reader.results([(item, named.number)]))[1]
        return None

    def iter_results(self, order: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield (item, result) in the order given, without those that are not finished.

        A few hundred results are held at a time.
        """
        with self._shelf() as shelf:
            where = _by_shard(shelf, Reader.finished)
            chunk: list[str] = []
            for item in order:
                chunk.append(item)
                if len(chunk) == _AT_ONCE:
                    yield from _in_order(chunk, where, shelf)
                    chunk = []
            yield from _in_order(chunk, where, shelf)

    def finished(self) -> set[str]:
        """Return the ids of the finished items, without reading their results."""
        with self._shelf() as shelf:
            return {item for reader in shelf.readers() for item, _ in reader.labels()}

    def labels(self) -> dict[str, str]:
        """Return the label of every finished item."""
        with self._shelf() as shelf:
            return {item: label for reader in shelf.readers() for item, label in reader.labels()}

    def tallies(self) -> dict[str, int]:
        """Count finished items by the label that they were finished with."""
        return dict(Counter(self.labels().values()))

    def calls(self, session: str) -> tuple[CallRow, ...]:
        """Return a session's calls by draft, step and attempt, each request byte for byte.

        Raises:
            StoreError: Two shards hold different calls under one key.
        """
        with self._shelf() as shelf:
            found = _one_of_each(one for reader in shelf.readers() for one in _of(reader, session))
        return tuple(one.row for one in found)

    def iter_calls(self, order: Iterable[str]) -> Iterator[tuple[str, tuple[CallRow, ...]]]:
        """Yield (session, its calls) in the order given, without sessions that have none."""
        for session, found in self.iter_recorded(order):
            yield session, tuple(one.row for one in found)

    def iter_recorded(self, order: Iterable[str]) -> Iterator[tuple[str, tuple[Recorded, ...]]]:
        """Yield the same with where each call is recorded: by whom, in which epoch."""
        with self._shelf() as shelf:
            where = _by_shard(shelf, Reader.numbers_by_name)
            for session in order:
                found = _one_of_each(_recorded(session, where, shelf))
                if found:
                    yield session, found

    def sessions(self) -> dict[str, int]:
        """Return the number of calls of every session that has any."""
        counts: Counter[str] = Counter()
        with self._shelf() as shelf:
            for reader in shelf.readers():
                counts.update(reader.counts())
        return dict(counts)

    def call_tallies(self) -> tuple[CallTally, ...]:
        """Add up calls by role, endpoint, model and outcome; from running totals, at once.

        A call that a crash had paid for twice counts twice.
        """
        with self._shelf() as shelf:
            return _call_tallies(shelf.readers())

    def totals(self) -> Totals:
        """Add up what was spent; a call that a crash had paid for twice counts twice."""
        roles, outcomes = Counter[str](), Counter[str]()
        tallies = self.call_tallies()
        for one in tallies:
            roles[one.role] += one.calls
            outcomes[one.outcome] += one.calls
        return Totals(
            calls=sum(one.calls for one in tallies),
            tokens=sum(one.prompt_tokens + one.completion_tokens for one in tallies),
            cached_tokens=sum(one.cached_tokens for one in tallies),
            by_role=dict(roles),
            by_outcome=dict(outcomes),
            estimated_tokens=sum(
                one.estimated_prompt + one.estimated_completion for one in tallies
            ),
        )

    def spent(self, prices: Mapping[str, Price]) -> Spend:
        """Return what counts against the budget, at the `prices` of the roles."""
        each = [one.spent(prices.get(one.role)) for one in self.call_tallies()]
        return sum(each, NOTHING)

    def check(self) -> int:
        """Read every row of every shard and return how many calls are whole.

        Raises:
            StoreError: A row is not as it was written; the shard is named.
        """
        with self._shelf() as shelf:
            return sum(audit(reader) for reader in shelf.readers())

    def _shelf(self) -> Shelf:
        """Lay out every shard, by epoch and worker."""
        return Shelf(shards.list_shards(self.folder), moment=True)


def spent_in(shard: Shard, prices: Mapping[str, Price]) -> Spend:
    """Return what one shard's calls count for; nothing where there is no shard yet.

    Raises:
        StoreError: It is damaged.
    """
    with shards.reading(shard) as opened:
        readers = [] if opened is None else [Reader(shard, *opened)]
        each = [one.spent(prices.get(one.role)) for one in _call_tallies(readers)]
    return sum(each, NOTHING)


def ended_in(shard: Shard, items: Iterable[str]) -> dict[str, bytes]:
    """Return the results of those of the items that one shard has finished.

    Raises:
        StoreError: It is damaged.
    """
    with shards.reading(shard) as opened:
        if opened is None:
            return {}
        reader = Reader(shard, *opened)
        known = [one for one in map(reader.named, items) if one is not None]
        ended = [(one.name, one.number) for one in known if one.label is not None]
        return dict(reader.results(ended))


def _call_tallies(readers: Iterable[Reader]) -> tuple[CallTally, ...]:
    sums: dict[tuple[str, str, str, str], list[int]] = {}
    for reader in readers:
        for _, kind, *counts in reader.totals():
            row = sums.setdefault(kind[:4], [0] * len(counts))
            row[:] = map(sum, zip(row, counts, strict=True))
    return tuple(
        CallTally(role, endpoint, model, outcome, *counts)
        for (role, endpoint, model, outcome), counts in sorted(sums.items())
    )


_Names = dict[str, int]
"""Number by name of a shard's sessions."""


def _by_shard(shelf: Shelf, names: Callable[[Reader], _Names]) -> list[_Names]:
    """Ask every shard for its sessions, so that it is opened again only for those it has."""
    readers = (shelf.reader(at) for at in range(len(shelf)))
    return [names(reader) if reader else {} for reader in readers]


def _in_order(chunk: list[str], where: list[_Names], shelf: Shelf) -> Iterator[tuple[str, bytes]]:
    """Yield results; of several under one name, that of the last shard."""
    found: dict[str, bytes] = {}
    for at, finished in enumerate(where):
        wanted = [(item, finished[item]) for item in chunk if item in finished]
        reader = shelf.reader(at) if wanted else None
        if reader:
            found.update(reader.results(wanted))
    for item in chunk:
        if item in found:
            yield item, found[item]


def _recorded(session: str, where: list[_Names], shelf: Shelf) -> Iterator[Recorded]:
    """Yield a session's calls, shard by shard."""
    for at, names in enumerate(where):
        reader = shelf.reader(at) if session in names else None
        if reader:
            yield from _of(reader, session, names[session])


def _of(reader: Reader, session: str, number: int | None = None) -> Iterator[Recorded]:
    number = reader.number_of(session) if number is None else number
    if number is not None:
        for seq in reader.numbers(number):
            yield Recorded(reader.call(session, seq), reader.shard, seq)


def _one_of_each(recorded: Iterable[Recorded]) -> tuple[Recorded, ...]:
    """Return calls by draft, step and attempt; of several under one key, that of the last shard."""
    found: dict[tuple[int, int, int], Recorded] = {}
    for one in recorded:
        key = one.row.key
        place = key.draft, key.step, key.attempt
        _same(found.get(place), one.row, one.shard)
        found[place] = one
    return tuple(found[place] for place in sorted(found))


def _same(known: Recorded | None, row: CallRow, shard: Shard) -> None:
    if known is None:
        return
    before, where, _ = known
    one, two = before.result, row.result
    if one.outcome in ASKED_ANEW:
        return  # it brought no answer, and a resumed run asked again
    if (before.request_hash, one.outcome, one.text) != (row.request_hash, two.outcome, two.text):
        raise StoreError(
            "two shards hold different calls under one key",
            where=f"{where.where} and {shard.where}",
            expected=f"one call {row.key}",
            got="two that differ in request or answer",
            mend="Keep the shard of the later epoch and move the other out of the folder.",
        )
