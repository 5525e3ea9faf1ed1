"""`campaign export`: a run's sessions and calls as Parquet; a few hundred are held at a time."""

from __future__ import annotations

import errno
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from campaigns.begun import begun_plan
from domain.base import Noun
from domain.errors import StoreError
from domain.price import dollars
from engine.ledger.store import Store
from engine.spending.budget import cost_of, counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from domain.price import Price
    from domain.runfolder import RunFolder
    from engine.ledger.store import Recorded

_SESSIONS_A_GROUP = 500
_CALLS_A_GROUP = 2000
"""Rows of a row group: what is held in memory, and what a reader must take in at once."""

_TURN = pa.struct([("index", pa.int32()), ("speaker", pa.string()), ("text", pa.string())])
_ITEM = pa.struct([("item", pa.string()), ("score", pa.int32())])
_GATE = pa.struct([("gate", pa.string()), ("passed", pa.bool_())])
_CRITIQUE = pa.struct(
    [
        ("draft", pa.int32()),
        ("score", pa.float64()),
        ("accepted", pa.bool_()),
        ("rewind_to", pa.int32()),
        ("items", pa.list_(_ITEM)),
        ("gates", pa.list_(_GATE)),
        ("reasons", pa.list_(pa.string())),
    ]
)
SESSIONS = pa.schema(
    [
        ("session", pa.string()),
        ("plan_index", pa.int64()),
        ("persona", pa.string()),
        ("scenario", pa.string()),
        ("problem", pa.string()),
        ("technique", pa.string()),
        ("style", pa.string()),
        ("status", pa.string()),
        ("best", pa.int32()),
        ("drafts", pa.int32()),
        ("score", pa.float64()),
        ("failure", pa.string()),
        ("turns", pa.list_(_TURN)),
        ("critiques", pa.list_(_CRITIQUE)),
    ]
)
"""One row per finished session, in plan order; see `docs/store.md`."""
CALLS = pa.schema(
    [
        ("session", pa.string()),
        ("draft", pa.int32()),
        ("step", pa.int32()),
        ("attempt", pa.int32()),
        ("role", pa.string()),
        ("endpoint", pa.string()),
        ("model", pa.string()),
        ("request", pa.string()),
        ("request_sha256", pa.string()),
        ("outcome", pa.string()),
        ("answer", pa.string()),
        ("reasoning", pa.string()),
        ("detail", pa.string()),
        ("finish_reason", pa.string()),
        ("prompt_tokens", pa.int64()),
        ("completion_tokens", pa.int64()),
        ("cached_tokens", pa.int64()),
        ("tokens_estimated", pa.bool_()),
        ("latency_ms", pa.float64()),
        ("cost_usd", pa.float64()),
        ("epoch", pa.int32()),
        ("worker", pa.int32()),
        ("number", pa.int64()),
    ]
)
"""One row per call, in plan order and then by draft, step and attempt; see `docs/store.md`."""


class Exported(Noun):
    """What was written."""

    sessions: int
    calls: int
    sessions_file: str
    calls_file: str


def export_parquet(folder: RunFolder, to: Path, prices: Mapping[str, Price]) -> Exported:
    """Write `sessions.parquet` and `calls.parquet`, each whole or not at all.

    Args:
        folder: The run's folder; the run may still be going on.
        to: The folder to write to; it is made.
        prices: What each role pays; `cost_usd` is null for a role that has none.

    Raises:
        ConfigError: There is no campaign.
        StoreError: The plan or the ledger is damaged, or the files cannot be written.
    """
    order = begun_plan(folder).names
    store = Store(folder.ledger)
    sessions, calls = to / "sessions.parquet", to / "calls.parquet"
    rows = (_session(data) for _, data in store.iter_results(order))
    written = _write(sessions, SESSIONS, rows, _SESSIONS_A_GROUP)
    asked = (_call(one, prices) for _, found in store.iter_recorded(order) for one in found)
    return Exported(
        sessions=written,
        calls=_write(calls, CALLS, asked, _CALLS_A_GROUP),
        sessions_file=str(sessions),
        calls_file=str(calls),
    )


def _write(path: Path, schema: pa.Schema, rows: Iterable[dict[str, Any]], group: int) -> int:
    fresh = path.with_name(f".{path.name}.new")
    written = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(fresh, schema, compression="zstd") as writer:
            for chunk in _chunks(iter(rows), group):
                writer.write_table(pa.Table.from_pylist(chunk, schema), row_group_size=group)
                written += len(chunk)
        fresh.replace(path)
    except OSError as error:
        with suppress(OSError):  # where nothing can be written, nothing can be removed either
            fresh.unlink(missing_ok=True)
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise StoreError(
            "the disk is full" if full else "the export cannot be written",
            where=str(path),
            got=str(error),
            mend=f"{'Free some space, or give' if full else 'Give'} another folder with --to.",
        ) from error
    return written


def _chunks(rows: Iterator[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    while chunk := list(islice(rows, size)):
        yield chunk


def _session(data: bytes) -> dict[str, Any]:
    """Read without validation, which the worker that wrote it has done."""
    session = orjson.loads(data)
    drafts, best = session["drafts"], session["best"]
    critiques = [_critique(draft) for draft in drafts if draft["critique"] is not None]
    failure = session["failure"]
    return {
        "session": session["id"],
        "plan_index": session["plan_index"],
        "persona": session["persona_id"],
        "scenario": session["scenario_id"],
        "problem": session["problem"],
        "technique": session["technique"],
        "style": session["style"],
        "status": session["status"],
        "best": best,
        "drafts": len(drafts),
        "score": next((one["score"] for one in critiques if one["draft"] == best), None),
        "failure": None if failure is None else failure["outcome"],
        "turns": [] if best is None else drafts[best]["turns"],
        "critiques": critiques,
    }


def _critique(draft: dict[str, Any]) -> dict[str, Any]:
    critique = draft["critique"]
    kept = {name: critique[name] for name in ("score", "accepted", "rewind_to", "reasons")}
    answer = critique["answer"]
    return {"draft": draft["number"], "items": answer["items"], "gates": answer["gates"], **kept}


def _call(recorded: Recorded, prices: Mapping[str, Price]) -> dict[str, Any]:
    row, shard, number = recorded
    result, key = row.result, row.key
    price, tokens = prices.get(row.role.value), counted(row)
    return {
        "session": key.session,
        "draft": key.draft,
        "step": key.step,
        "attempt": key.attempt,
        "role": row.role.value,
        "endpoint": row.endpoint,
        "model": result.model,
        "request": row.request.decode(),
        "request_sha256": row.request_hash,
        "outcome": result.outcome.value,
        "answer": result.text,
        "reasoning": result.reasoning,
        "detail": result.detail,
        "finish_reason": result.finish_reason,
        "latency_ms": result.latency_ms,
        "cost_usd": None if price is None else dollars(cost_of(row, price).pico),
        "epoch": shard.epoch,
        "worker": shard.worker,
        "number": number,
        "tokens_estimated": tokens.estimated,
        **tokens.usage.model_dump(),
    }
