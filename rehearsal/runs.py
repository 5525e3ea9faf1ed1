"""Where runs are kept, and the settings that are kept in each."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

import yaml

from domain.errors import ConfigError
from domain.runfolder import RunFolder
from domain.settings import Settings
from rehearsal.runfile import load_settings, read_settings

_SHOWN = 8
"""Runs that are named where none of the name is found."""
_HEAD = "# The effective run file: every key, as it was used.\n"
"""How a run's own copy of its run file begins."""


def runs_root() -> Path:
    """Where runs are kept: `REHEARSAL_RUNS`, or `runs` in the present folder."""
    return Path(os.environ.get("REHEARSAL_RUNS", "runs"))


def cache_root() -> Path:
    """Where what can be made again is kept: `REHEARSAL_CACHE`, or the user's cache folder."""
    own = os.environ.get("REHEARSAL_CACHE")
    if own:
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "rehearsal"


def save_settings(settings: Settings, folder: RunFolder) -> None:
    """Copy the effective settings into the run's folder.

    Raises:
        StoreError: They cannot be written; what was there before still is.
    """
    from campaigns.manifest import write_atomically

    data = settings.model_dump(mode="json")
    data["roles"] = {name: role for name, role in data["roles"].items() if role is not None}
    for role in data["roles"].values():  # what a role shares with `endpoint` stands there only
        for key in [key for key, value in data["endpoint"].items() if role[key] == value]:
            del role[key]
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    write_atomically(folder.config, (_HEAD + text).encode())


def keep_settings(settings: Settings, folder: RunFolder) -> None:
    """Copy what later stages were run with into the run's folder.

    Where a campaign has been begun, what its sessions depend on stays as it was begun with.
    """
    if not folder.config.is_file() or not folder.ledger.exists():
        save_settings(settings, folder)
        return
    begun, _ = read_settings(folder.config)
    roles = begun.roles.model_copy(update={"judge": settings.roles.judge})
    stages = {name: getattr(settings, name) for name in ("corpus", "training", "evaluation")}
    save_settings(begun.model_copy(update={**stages, "roles": roles}), folder)


def open_run(name: str) -> tuple[Settings, RunFolder]:
    """Find a run by its folder or its name under the runs folder.

    Raises:
        ConfigError: There is no such run.
    """
    for root in (Path(name), runs_root() / name):
        folder = RunFolder(root)
        if folder.config.is_file():
            return read_settings(folder.config)[0], folder
    if Path(name).is_file():
        raise _is_run_file(Path(name))
    for root in (Path(name), runs_root() / name):
        _refuse_without_settings(RunFolder(root))
    known = sorted(path.parent.name for path in runs_root().glob("*/config.yaml"))
    near = difflib.get_close_matches(name, known, n=1)
    said = ", ".join(known[:_SHOWN]) + (f" and {len(known) - _SHOWN} more" * (len(known) > _SHOWN))
    raise ConfigError(
        "there is no such run",
        where=name,
        expected=f"a run's folder, or the name of one under {runs_root()}: {said or 'none yet'}",
        mend=f"did you mean {near[0]}?"
        if near
        else '"rehearsal campaign list" shows the runs; "rehearsal demo" makes a first one',
    )


def _refuse_without_settings(folder: RunFolder) -> None:
    """Refuse a run whose copy of the run file is gone."""
    from campaigns.manifest import manifest_path

    begun = manifest_path(folder)
    if begun.is_file():
        raise ConfigError(
            "the run's copy of its run file is gone",
            where=str(folder.config),
            got="no such file",
            mend=f"restore it, or copy there the run file that it was begun with; {begun.name} "
            "beside it shows its settings, and a resume checks them",
        )


def refuse_foreign(folder: RunFolder) -> None:
    """Refuse a folder in which a run would write over files that no run has made.

    Raises:
        ConfigError: It has some, or runs are kept in it.
    """
    from campaigns.manifest import manifest_path

    if manifest_path(folder).is_file() or _is_ours(folder.config):
        return
    names = (folder.config, folder.plan, folder.cast, folder.sessions, folder.refills)
    taken = [path.name for path in (*names, folder.coverage, folder.ledger) if path.exists()]
    runs = sorted(path.parent.name for path in folder.root.glob(f"*/{manifest_path(folder).name}"))
    if not (taken or runs):
        return
    raise ConfigError(
        "the run would write over files that no run has made"
        if taken
        else "runs are kept in this folder; it is none itself",
        where=str(folder.root),
        expected="a new folder, an empty one, or that of a run",
        got=", ".join(taken or runs[:_SHOWN]),
        mend=f"give the run a folder of its own, such as --run {folder.root / 'run'}",
    )


def _is_ours(config: Path) -> bool:
    try:
        with config.open(encoding="utf-8") as file:
            return file.readline() == _HEAD
    except (OSError, UnicodeDecodeError):
        return False


def _is_run_file(path: Path) -> ConfigError:
    """Say which run a run file makes, where it can be read."""
    try:
        run = runs_root() / load_settings(path).name
    except ConfigError:
        run = runs_root() / path.stem
    begun = RunFolder(run).config.is_file()
    return ConfigError(
        "this is a file, not a run",
        where=str(path),
        expected="a run's folder, or its name under runs/",
        mend=f'its run is "{run}": give that in its place'
        if begun
        else f'begin its run with: rehearsal campaign run "{path}"',
    )
