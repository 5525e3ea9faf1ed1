"""The offline base: trained here once, then found again by what it was made of.

`python -m training.base --cache DIR` prints the folder; a task or another program may call that.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import shutil
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from domain.base import canonical_json
from domain.errors import TrainingError
from domain.progress import Progress, silent
from training.models import hush
from training.primer.material import source_bytes
from training.tiny import Recipe, make_tokenizer, new_model, train_model
from training.wiring import wire_copying

if TYPE_CHECKING:
    from collections.abc import Iterator

STAGE = "tiny base"


def ensure_base(
    cache: Path, seed: int = 0, progress: Progress = silent, recipe: Recipe | None = None
) -> Path:
    """Return the folder of the tiny base in `cache`, training it first where it is missing.

    The folder is named after the hash of the primer, the recipe and the seed, and appears whole or
    not at all. Of two processes that want the same base, one trains and the other waits.

    Raises:
        TrainingError: The cache cannot be written.
    """
    recipe = recipe or Recipe()
    target = base_path(cache, seed, recipe)
    if target.is_dir():
        return target
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _alone(cache / f".{target.name}.lock"):
            if not target.is_dir():
                _make(target, seed, recipe, progress)
    except OSError as error:
        raise TrainingError(
            "the tiny base cannot be stored",
            where=str(cache),
            got=error.strerror or str(error),
            mend="Check the folder's permissions and the space on the disk.",
        ) from error
    return target


def base_path(cache: Path, seed: int = 0, recipe: Recipe | None = None) -> Path:
    """Return where in `cache` the tiny base is or will be."""
    return cache / f"tiny-{base_hash(seed, recipe or Recipe())}"


def base_hash(seed: int, recipe: Recipe) -> str:
    """Name what the base is made of, in 12 hex digits."""
    made_of = canonical_json({"seed": seed, "recipe": asdict(recipe)}) + b"\0" + source_bytes()
    return hashlib.sha256(made_of).hexdigest()[:12]


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _make(target: Path, seed: int, recipe: Recipe, progress: Progress) -> None:
    hush()
    making = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)  # same sums in the same order; a campaign runs beside it
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            _train_into(making, seed, recipe, progress)
        making.chmod(0o755)
        making.rename(target)
    finally:
        torch.set_num_threads(threads)
        shutil.rmtree(making, ignore_errors=True)


def _train_into(folder: Path, seed: int, recipe: Recipe, progress: Progress) -> None:
    tokenizer, stream = make_tokenizer(seed, recipe)
    model = new_model(tokenizer, recipe)

    def watch(step: int, loss: float) -> None:
        progress(STAGE, step + 1, recipe.steps, f"loss {loss:.2f}")

    held = wire_copying(model, torch.default_generator)
    train_model(model, stream, recipe, seed, watch, held)
    model.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))


def main(arguments: list[str] | None = None) -> None:
    """Print where the tiny base is, training it first where it is missing."""
    parser = argparse.ArgumentParser(prog="python -m training.base", description=main.__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="folder to keep bases in")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    sys.stdout.write(f"{ensure_base(options.cache, options.seed)}\n")


if __name__ == "__main__":
    main()
