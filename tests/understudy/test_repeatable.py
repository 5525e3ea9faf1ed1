"""The same request gets the same answer from every process, whatever its hash seed.

A campaign that is resumed talks to another process than the one it began with.
"""

import os
import subprocess
import sys
from pathlib import Path

PLAY = """
import hashlib
from tests.understudy.played import bo, ines, play
said = [
    turn.text
    for item in (ines(), bo())
    for seed in range(12)
    for turn in play(item, "novice", seed=seed)
]
print(len(said), hashlib.sha256("\\n".join(said).encode()).hexdigest())
"""


def played(repository: Path, hash_seed: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", PLAY],
        capture_output=True,
        text=True,
        check=True,
        cwd=repository,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    )
    return done.stdout


def test_sessions_do_not_depend_on_the_hash_seed(repository: Path) -> None:
    first = played(repository, "1")
    assert int(first.split()[0]) > 200
    assert {played(repository, seed) for seed in ("2", "3")} == {first}
