"""Checkpoints that were damaged: training goes on from one that is whole, or begins anew.

Only what is seen to be damaged is taken out; a disk or a store that does not answer is an error.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pyarrow import ArrowException, fs

from training.checkpoints import PREFIX
from training.snapshot import STATE_FILE
from training.summary import LOG_FILE
from training.weights import Damage, weights_fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from training.storage import Storage

REGISTER = "checkpoint_manager_snapshot.json"
"""Ray Train's list of the checkpoints it would go on from, in the variant's place."""


def drop_damaged(storage: Storage) -> list[Damage]:
    """Take damaged checkpoints out of a variant's place, so that training goes on from another.

    Raises:
        StoreError: The storage cannot be reached.
    """
    files, place = storage.filesystem, storage.path
    try:
        found = [
            one.base_name
            for one in files.get_file_info(fs.FileSelector(place))
            if one.type == fs.FileType.Directory and one.base_name.startswith(PREFIX)
        ]
        faults = {name: _fault(files, f"{place}/{name}") for name in sorted(found)}
        damaged = [Damage(name, why) for name, why in faults.items() if why]
        damaged += _register_only(files, place, {name for name in faults if not faults[name]})
        for one in damaged:
            if one.name in faults:
                files.delete_dir(f"{place}/{one.name}")
    except (OSError, ArrowException) as error:
        raise storage.failed("read", error) from error
    return damaged


def _fault(files: Any, folder: str) -> str:  # noqa: ANN401 - a pyarrow filesystem
    """Say what is wrong with a checkpoint, empty if nothing."""
    there = {one.base_name: one.size for one in files.get_file_info(fs.FileSelector(folder))}
    weights = [name for name in there if name.endswith(".safetensors")]
    if STATE_FILE not in there or LOG_FILE not in there or len(weights) == 1:
        return "files are missing"
    checks: dict[str, Callable[[Any, int], str]] = dict.fromkeys(weights, weights_fault)
    checks[LOG_FILE] = _log_fault
    for name, check in checks.items():
        with files.open_input_file(f"{folder}/{name}") as stream:
            why = check(stream, there[name])
        if why:
            return f"{name}: {why}"
    return ""


def _log_fault(stream: Any, size: int) -> str:  # noqa: ANN401 - a binary file
    try:
        steps = [json.loads(line)["step"] for line in stream.read(size).splitlines()]
    except (ValueError, KeyError, TypeError):
        return "a line is no step"
    return "" if steps else "it is empty"


def _register_only(files: Any, place: str, whole: set[str]) -> list[Damage]:  # noqa: ANN401
    """Leave none but `whole` checkpoints in Ray Train's list; return what else is amiss with it.

    Ray ends a run whose list names a checkpoint that is not there.
    """
    path = f"{place}/{REGISTER}"
    if files.get_file_info(path).type != fs.FileType.File:
        return []
    with files.open_input_file(path) as stream:
        data = stream.read()
    try:
        told = json.loads(data)
        results, indices = told["checkpoint_results"], told["checkpoint_report_indices"]
        kept = [n for n, one in enumerate(results) if one["checkpoint_dir_name"] in whole]
    except (ValueError, KeyError, TypeError):
        files.delete_file(path)
        return [Damage(REGISTER, "it is not what Ray wrote")]
    if len(kept) == len(results):
        return []
    told["checkpoint_results"] = [results[n] for n in kept]
    told["checkpoint_report_indices"] = [indices[n] for n in kept]
    told["latest_checkpoint_result"] = results[kept[-1]] if kept else None
    with files.open_output_stream(path) as stream:
        stream.write(json.dumps(told).encode())
    return []
