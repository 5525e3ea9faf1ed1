"""A session is taken out of a ledger, and nothing of it is left in any file."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
import zstandard

from domain.errors import StoreError
from engine.ledger.forget import without
from engine.ledger.ledger import Ledger
from engine.ledger.place import Place, note
from engine.ledger.shards import shard_at
from engine.ledger.store import Store
from tests.engine.test_ledger import conversation, row, written
from tests.engine.test_store import fill, spoil

if TYPE_CHECKING:
    from pathlib import Path

SECRET = b"the lighthouse keeper never slept"


def is_secret(data: bytes) -> bool:
    return SECRET in data


async def two(folder: Path) -> None:
    """Two sessions, of which the first holds the secret and the second is told by the first."""
    ledger = Ledger(shard_at(folder, 1, 1), "hash")
    request = b'{"messages":[{"role":"user","content":"' + SECRET + b'"}],"seed":1}'
    await ledger.record(row("session-1", 0, request))
    await ledger.finish("session-1", b"a result")
    await ledger.record(row("session-2", 0, request.replace(SECRET, b"nothing of note")))
    await written(ledger, conversation("session-3", 4))
    await ledger.finish("session-3", b"another result")
    ledger.close()


def unpacked(folder: Path) -> bytes:
    """Everything in the folder's files, with every Zstandard frame in them opened."""
    found = b""
    for path in folder.rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        found += data
        at = data.find(zstandard.FRAME_HEADER)
        while at >= 0:
            with contextlib.suppress(zstandard.ZstdError):
                found += zstandard.ZstdDecompressor().decompressobj().decompress(data[at:])
            at = data.find(zstandard.FRAME_HEADER, at + 1)
    return found


async def test_what_is_marked_goes_and_the_rest_stays(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    await two(folder)
    assert SECRET in unpacked(tmp_path)
    assert without(folder, is_secret, dry=True) == 2
    assert SECRET in unpacked(tmp_path)
    before = Store(folder).calls("session-3")
    assert without(folder, is_secret, dry=False) == 2
    assert SECRET not in unpacked(tmp_path)
    store = Store(folder)
    assert store.check() == 5
    assert store.calls("session-3") == before
    assert store.results() == {"session-3": b"another result"}
    assert len(store.calls("session-2")) == 1
    assert without(folder, is_secret, dry=False) == 0


async def test_a_log_that_was_not_folded_in_does_not_bring_it_back(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    ledger = Ledger(shard_at(folder, 1, 1), "hash")
    await ledger.record(row("session-1", 0, b'{"content":"' + SECRET + b'"}'))
    ledger.close()
    assert without(folder, is_secret, dry=False) == 1
    assert Store(folder).sessions() == {}
    assert {path.name for path in folder.iterdir()} == {"e001-w1.sqlite"}


async def test_parts_in_other_shards_go_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    play = conversation("session-1", 4)
    for epoch, part in ((1, play[:2]), (2, play[2:])):
        ledger = Ledger(shard_at(folder, epoch, 1), "hash")
        await written(ledger, part)
        ledger.close()
    await fill(folder, epoch=2, worker=2, session="session-2")
    word = play[3].request[-40:]
    assert without(folder, lambda data: word in data, dry=False) == 4
    assert Store(folder).sessions() == {"session-2": 3}


async def test_a_damaged_shard_and_a_database_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    await two(folder)
    spoil(shard_at(folder, 1, 1).path, "UPDATE results SET data = zeroblob(9)")
    with pytest.raises(StoreError, match=r"damaged|not as it was"):
        without(folder, is_secret, dry=False)
    elsewhere = tmp_path / "elsewhere"
    note(elsewhere, Place("postgresql://nobody@127.0.0.1:1/none", "run"))
    with pytest.raises(StoreError):
        without(elsewhere, is_secret, dry=True)
