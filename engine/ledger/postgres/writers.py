"""The shards of a run in the database: which there are, and closing one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, select

from engine.ledger.postgres.connection import changing, reading
from engine.ledger.schema import WRITERS

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from engine.ledger.place import Place
    from engine.ledger.shard import Shard


def writer_of(connection: Connection, shard: Shard) -> int | None:
    """Return the number of a shard's writer; None where it was never made."""
    run = placed(shard).run
    mine = and_(WRITERS.c.run == run, WRITERS.c.epoch == shard.epoch)
    return connection.scalar(select(WRITERS.c.id).where(mine, WRITERS.c.worker == shard.worker))


def writers_of(place: Place) -> list[tuple[int, int]]:
    """Return (epoch, worker) of a run's shards, in order."""
    query = select(WRITERS.c.epoch, WRITERS.c.worker).where(WRITERS.c.run == place.run)
    with reading(place) as connection:
        found = connection.execute(query.order_by(WRITERS.c.epoch, WRITERS.c.worker))
        return [(row.epoch, row.worker) for row in found]


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
