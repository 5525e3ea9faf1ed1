"""Shards in PostgreSQL: several workers, and several runs, write to one database at once.

The schema is the files' own; each shard's rows carry the number of its writer. A worker whose
shard was sealed, or whose epoch is over, is refused within the transaction that would have added
something: it holds a share lock on its row of `writers`, which whoever seals must wait for.
"""

from domain.errors import ConfigError

try:
    import psycopg  # noqa: F401 - looked for here, so that each room of it may take it as there
except ImportError as error:
    raise ConfigError(
        "the ledger is to be kept in PostgreSQL, whose driver is not installed",
        where="engine.store",
        expected="psycopg",
        got=str(error),
        mend='Install it: pip install -e ".[postgres]"; or leave `store` out, and the ledger lies '
        "in the run's folder.",
    ) from error
