"""The shards of a run in the database: which there are, and closing one."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import select

from engine.ledger.postgres.connection import changing, reading
from engine.ledger.schema import WRITERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from engine.ledger.place import Place
    from engine.ledger.shard import Shard


@contextmanager
def reading_run(
    place: Place, *, moment: bool
) -> Iterator[Callable[[Shard], tuple[Connection, int] | None]]:
    """Read all shards of a run over one connection.

    What is yielded returns it with the number of a shard's writer; None where the shard was never
    made.

    Args:
        place: The run.
        moment: Whether everything that is read is to be of one moment.

    Raises:
        StoreError: The database does not answer, or its tables are of another version.
    """
    query = select(WRITERS.c.epoch, WRITERS.c.worker, WRITERS.c.id)
    with reading(place, moment=moment) as connection:
        found = connection.execute(query.where(WRITERS.c.run == place.run))
        numbers = {(epoch, worker): number for epoch, worker, number in found}

        def opened(shard: Shard) -> tuple[Connection, int] | None:
            number = numbers.get((shard.epoch, shard.worker))
            return None if number is None else (connection, number)

        yield opened


def writers_of(place: Place) -> list[tuple[tuple[int, int], bool]]:
    """Return (epoch, worker) of a run's shards, in order, and whether each is sealed."""
    c = WRITERS.c
    query = select(c.epoch, c.worker, c.sealed).where(c.run == place.run)
    with reading(place) as connection:
        found = connection.execute(query.order_by(c.epoch, c.worker))
        return [((row.epoch, row.worker), bool(row.sealed)) for row in found]


def seal(shard: Shard) -> None:
    """Close a shard to writing for good; waits for a transaction that is under way.

    Raises:
        StoreError: The database does not answer.
    """
    place = placed(shard)
    with changing(place.url) as connection:
        connection.execute(
            "UPDATE writers SET sealed = 1 WHERE run = %s AND epoch = %s AND worker = %s",
            (place.run, shard.epoch, shard.worker),
        )


def placed(shard: Shard) -> Place:
    """Return the database that a shard lies in; a ValueError where it lies in a file."""
    if shard.place is None:
        raise ValueError(f"{shard} lies in a file")
    return shard.place
