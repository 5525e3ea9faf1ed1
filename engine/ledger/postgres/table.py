"""A new shard in the database, open for writing."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import psycopg

from engine.ledger.postgres.connection import connect, told
from engine.ledger.postgres.writers import placed
from engine.ledger.schema import BATCHES, RESULTS, TALLIES, insert, upsert
from engine.ledger.writer import outlived, twice

if TYPE_CHECKING:
    from engine.ledger.block import Block
    from engine.ledger.place import Place
    from engine.ledger.rows import Result
    from engine.ledger.scribe import Batch
    from engine.ledger.shard import Shard


class PostgresTable:
    """A new shard, open for writing; used by one thread.

    Raises:
        StoreError: It cannot be made, or a newer epoch of the run has begun.
    """

    def __init__(self, shard: Shard) -> None:
        place = placed(shard)
        self.where = shard.where
        self._url = place.url
        with ExitStack() as opening:
            self._connection = opening.enter_context(closing(connect(place.url)))
            self._writer = writer = self._make(shard, place)
            opening.pop_all()
        self._session = f"INSERT INTO sessions (writer, id, name) VALUES ({writer}, %s, %s)"  # noqa: S608 - a number
        self._label = f"UPDATE sessions SET label = %s WHERE writer = {writer} AND id = %s"  # noqa: S608 - a number
        self._call = "COPY calls (writer, session, draft, step, attempt, seq) FROM STDIN"
        self._replaced = f"DELETE FROM batches WHERE writer = {writer} AND first >= %s"  # noqa: S608 - a number
        self._batch = insert(BATCHES, "%s", writer)
        self._result = insert(RESULTS, "%s", writer)
        self._tally = upsert(TALLIES, "%s", writer)

    def _make(self, shard: Shard, place: Place) -> int:
        try:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                cursor.execute("SELECT epoch FROM runs WHERE id = %s FOR SHARE", (place.run,))
                if cursor.fetchone() != (shard.epoch,):
                    raise outlived(self.where)
                cursor.execute(
                    "INSERT INTO writers (run, epoch, worker, sealed) VALUES (%s, %s, %s, 0) "
                    "RETURNING id",
                    (place.run, shard.epoch, shard.worker),
                )
                found = cursor.fetchone()
        except psycopg.Error as error:
            raise told(error, place.url) from error
        return int(found[0]) if found else 0

    def commit(self, batch: Batch, block: Block | None, results: list[tuple[int, Result]]) -> None:
        """Add a batch in one transaction.

        Raises:
            StoreError: The database refuses it or is gone, or the shard is sealed; nothing was
                added.
        """
        try:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                cursor.execute(
                    "SELECT sealed FROM writers WHERE id = %s FOR SHARE", (self._writer,)
                )
                if cursor.fetchone() != (0,):
                    raise outlived(self.where)
                self._add(cursor, batch, block, results)
        except psycopg.IntegrityError as error:
            raise twice(error, self.where) from error
        except psycopg.Error as error:
            raise told(error, self._url) from error

    def _add(
        self,
        cursor: psycopg.Cursor[Any],
        batch: Batch,
        block: Block | None,
        results: list[tuple[int, Result]],
    ) -> None:
        if batch.sessions:
            cursor.executemany(self._session, batch.sessions)
        if block is not None:
            with cursor.copy(self._call) as copy:
                for call in batch.calls:
                    copy.write_row((self._writer, *call))
            if block.first < batch.first:
                cursor.execute(self._replaced, (block.first,))
            cursor.execute(self._batch, block)
            cursor.executemany(self._tally, batch.tallies)
        if results:
            cursor.executemany(self._label, [(one.label, number) for number, one in results])
            rows = [(number, one.data, one.checksum) for number, one in results]
            cursor.executemany(self._result, rows)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
