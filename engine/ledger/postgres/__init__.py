"""Shards in PostgreSQL: several workers, and several runs, write to one database at once.

The schema is the files' own; each shard's rows carry the number of its writer. A worker whose
shard was sealed, or whose epoch is over, is refused within the transaction that would have added
something: it holds a share lock on its row of `writers`, which whoever seals must wait for.
"""
