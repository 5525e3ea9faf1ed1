"""Damage to a ledger's files: found, named, mended as far as it goes; and a disk that is full."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from domain.errors import StoreError
from engine.ledger import shards
from engine.ledger.block import Block, unpack
from engine.ledger.ledger import Ledger
from engine.ledger.repair import repair
from engine.ledger.shards import shard_at
from engine.ledger.store import Store
from tests.engine.test_ledger import conversation, row, written
from tests.engine.test_pool import run
from tests.engine.test_store import fill, spoil

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.engine.conftest import Endpoint


async def test_nothing_is_changed_where_all_is_whole(tmp_path: Path) -> None:
    await fill(tmp_path / "ledger")
    assert repair(tmp_path / "ledger") == []
    assert not (tmp_path / "damaged").exists()


async def test_a_damaged_block_costs_its_calls_and_what_rests_on_them(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    await fill(folder)
    ledger = Ledger(shard_at(folder, 1, 2), "hash")
    play = conversation("session-2", 5)
    await written(ledger, play)
    ledger.close()
    path = shard_at(folder, 1, 2).path
    spoil(path, "UPDATE batches SET data = zeroblob(9) WHERE first = 3")
    (done,) = repair(folder)
    assert (done.shard, done.calls, done.lost_calls) == ("e001-w2.sqlite", 2, 3)
    assert (tmp_path / "damaged" / "e001-w2.sqlite").is_file()
    store = Store(folder)
    assert store.check() == 5
    assert list(store.calls("session-2")) == play[:2]
    assert store.results() == {"session-1": b"result of session-1 in 1"}


async def test_calls_of_a_later_shard_that_rest_on_a_lost_one_go_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    play = conversation("session-1", 6)
    for epoch, part in ((1, play[:3]), (2, play[3:])):
        ledger = Ledger(shard_at(folder, epoch, 1), "hash")
        await written(ledger, part)
        ledger.close()
    spoil(shard_at(folder, 1, 1).path, "UPDATE batches SET data = zeroblob(9) WHERE first = 2")
    assert [one.calls for one in repair(folder)] == [1, 0]
    assert list(Store(folder).calls("session-1")) == play[:1]


async def test_a_finished_session_keeps_its_result_when_calls_are_lost(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    await fill(folder)
    spoil(shard_at(folder, 1, 1).path, "UPDATE batches SET data = zeroblob(9) WHERE first = 1")
    (done,) = repair(folder)
    assert (done.results, done.lost_results, done.calls, done.lost_calls) == (1, 0, 1, 2)
    assert Store(folder).finished() == {"session-1"}


async def test_a_lost_result_is_counted_and_its_session_played_again(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    await fill(folder)
    spoil(shard_at(folder, 1, 1).path, "UPDATE results SET data = zeroblob(9)")
    (done,) = repair(folder)
    assert (done.results, done.lost_results, done.calls) == (0, 1, 3)
    assert Store(folder).finished() == set()


async def test_pages_that_are_garbage_cost_what_was_on_them(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    ledger = Ledger(shard_at(folder, 1, 1), "hash")
    for n in range(60):
        await written(ledger, conversation(f"session-{n}", 4))
        await ledger.finish(f"session-{n}", os.urandom(3000), "accepted")
    ledger.close()
    path = shard_at(folder, 1, 1).path
    data = bytearray(path.read_bytes())
    middle = len(data) // 8192 * 4096
    data[middle : middle + 8192] = b"\xff" * 8192
    path.write_bytes(data)
    with pytest.raises(StoreError, match=r"e001-w1\.sqlite"):
        Store(folder).check()
    (done,) = repair(folder)
    assert done.calls + (done.lost_calls or 0) == 240
    assert 0 < done.results < 60 or done.calls < 240
    assert Store(folder).check() == done.calls


async def test_a_broken_page_of_a_large_block_costs_that_block_only(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    ledger = Ledger(shard_at(folder, 1, 1), "hash")
    for n in range(320):
        await written(ledger, [row(f"session-{n}", 0, os.urandom(500).hex().encode())])
    ledger.close()
    path = shard_at(folder, 1, 1).path
    whole = bytearray(path.read_bytes())
    page = whole.index(middle_block(path)[9000:9100]) // 4096
    whole[page * 4096 : page * 4096 + 4] = b"\xff" * 4  # where the row goes on after this page
    path.write_bytes(whole)
    (done,) = repair(folder)
    assert 200 < done.calls < 320
    assert done.calls + (done.lost_calls or 0) == 320
    assert Store(folder).check() == done.calls


def middle_block(path: Path) -> bytes:
    with sqlite3.connect(path) as connection:
        blocks = [one for (one,) in connection.execute("SELECT data FROM batches ORDER BY first")]
    found: bytes = blocks[len(blocks) // 2]
    assert len(found) > 3 * 4096, "the block is too small to go on in pages of its own"
    return found


async def test_a_file_of_garbage_is_moved_aside(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    await fill(folder, worker=2)
    shard_at(folder, 1, 1).path.write_bytes(b"no database" * 1000)
    (done,) = repair(folder)
    assert (done.calls, done.lost_calls) == (0, None)
    assert Store(folder).check() == 3


PAGE = 4096


async def large(folder: Path) -> Path:
    """A shard of a few hundred pages whose tables have interior pages; every session finished."""
    ledger = Ledger(shard_at(folder, 1, 1), "hash")
    noise = random.Random(7)
    for n in range(240):
        # what cannot be compressed, so that blocks go on in pages of their own
        asked = [noise.randbytes(900).hex().encode() for _ in range(2)]
        await written(ledger, [row(f"session-{n}", step, one) for step, one in enumerate(asked)])
        await ledger.finish(f"session-{n}", noise.randbytes(700), f"rejected:{n % 3}")
    ledger.close()
    return shard_at(folder, 1, 1).path


class Layout:
    """What stands on which page, as SQLite itself tells (sqlite.org/dbstat.html)."""

    def __init__(self, path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            self.pages: dict[int, tuple[str, str]] = {
                number: (name, kind)
                for number, name, kind in connection.execute(
                    "SELECT pageno, name, pagetype FROM dbstat"
                )
            }
            found = connection.execute("SELECT * FROM batches ORDER BY first").fetchall()
            results = connection.execute(
                "SELECT s.name, r.data FROM results r JOIN sessions s ON s.id = r.session"
            ).fetchall()
        data = path.read_bytes()
        self.count = len(data) // PAGE
        self.needs: dict[int, set[int]] = {}
        self.calls: dict[int, set[int]] = {page: set() for page in range(1, self.count + 1)}
        self.results: dict[int, set[str]] = {page: set() for page in range(1, self.count + 1)}
        for block in (Block(*one[1:]) for one in found):
            for at, record in enumerate(unpack(block)):
                self.needs[block.first + at] = {record.base, *record.pieces[1::2]} - {0}
            for page in pages_of(data, block.hashes) | pages_of(data, block.data):
                self.calls[page] |= set(range(block.first, block.first + block.calls))
        for name, result in results:
            for page in pages_of(data, result):
                self.results[page].add(name)

    def lost(self, pages: set[int]) -> set[int]:
        """The calls that stand on these pages, and those whose requests are told by such."""
        gone = set().union(*(self.calls[page] for page in pages))
        for number in sorted(self.needs):
            if self.needs[number] & gone:
                gone.add(number)
        return gone


def pages_of(data: bytes, part: bytes) -> set[int]:
    """The pages that hold some of what a row has: found by its bytes, 24 at a time."""
    found = set()
    for at in range(0, len(part) - 24, 24):
        place = data.find(part[at : at + 24])
        while place >= 0:
            found |= {place // PAGE + 1, (place + 23) // PAGE + 1}
            place = data.find(part[at : at + 24], place + 1)
    return found


async def test_a_broken_page_costs_what_stood_on_it_and_nothing_else(tmp_path: Path) -> None:
    """Wherever a page is overwritten, everything on the others is rescued.

    The bound, for each page of a shard: lost are the calls whose block has a part on it and those
    whose requests are told by such a call (a request is kept as what differs from an earlier one,
    and is of no use without that), and the results that have a part on it. So a page of any table
    but `batches` and `results` costs nothing, the first page with the schema included: names,
    labels, kinds, totals, run hash and index are known from elsewhere.
    """
    path = await large(tmp_path / "whole")
    layout = Layout(path)
    order = [(f"session-{n}", step) for n in range(240) for step in (0, 1)]
    number_of = {key: seq for seq, key in enumerate(order, 1)}
    wide = [page for page in layout.calls if len(layout.lost({page})) > 130]
    assert len(wide) < layout.count / 10, "a page must cost little for the bound to say anything"
    kinds = {(name, kind) for name, kind in layout.pages.values()}
    assert {("batches", "internal"), ("batches", "overflow"), ("sessions", "internal")} <= kinds
    noise = random.Random(11)
    large_tables = {"batches", "results"}
    small = [n for n, (name, _) in layout.pages.items() if name not in large_tables]
    inner = [n for n, (_, kind) in layout.pages.items() if kind == "internal"]
    every = range(1, layout.count + 1, 9)
    for page in sorted({*small, *inner, *every}):
        for shift in (0, PAGE // 2):
            at = (page - 1) * PAGE + shift
            pages = {page, page + bool(shift)} & set(layout.calls)
            folder = tmp_path / f"{page}-{shift}" / "ledger"
            folder.mkdir(parents=True)
            copy = bytearray(path.read_bytes())
            copy[at : at + PAGE] = noise.randbytes(min(PAGE, len(copy) - at))
            (folder / path.name).write_bytes(copy)
            repair(folder, "hash", lambda _: "rejected:0")
            store = Store(folder)
            kept = {
                (call.key.session, call.key.step)
                for _, calls in store.iter_calls(f"session-{n}" for n in range(240))
                for call in calls
            }
            gone = layout.lost(pages)
            where = f"page {page} + {shift}: {[layout.pages.get(one) for one in pages]}"
            assert {number_of[key] for key in set(order) - kept} <= gone, where
            lost = {f"session-{n}" for n in range(240)} - store.finished()
            assert lost <= set().union(*(layout.results[one] for one in pages)), where
            assert store.check() == len(kept), where
            assert shards.begin_epoch(folder, "hash") == 2, where
            shutil.rmtree(folder.parent)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=640k", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:  # noqa: S603
        pytest.skip("a small file system can be mounted by root only")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)  # noqa: S603, S607


def test_a_full_disk_stops_the_run_and_space_lets_it_go_on(
    small_disk: Path, endpoint: Endpoint
) -> None:
    folder = small_disk / "ledger"
    with pytest.raises(StoreError, match="disk is full"):
        run(folder, endpoint, 600)
    kept = Store(folder).check()
    assert kept > 0
    asked = len(endpoint.keys)
    assert asked - kept <= 8  # those in flight
    grow = ["mount", "-o", "remount,size=20m", str(small_disk)]
    subprocess.run(grow, check=True)  # noqa: S603
    _, results = run(folder, endpoint, 600)
    assert len(results) == 600
    assert len(set(endpoint.keys)) == 600 * 6
    assert len(endpoint.keys) - 600 * 6 == asked - kept
