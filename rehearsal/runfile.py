"""Reads a run file: YAML to `Settings`, with the line of whatever is wrong."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from domain.casting import DIMENSIONS
from domain.errors import ConfigError
from domain.runfolder import RunFolder
from domain.settings import Settings
from rehearsal.yamlguard import refuse_bombs

MAX_BYTES = 1_000_000
PREFIX = "REHEARSAL_"
OWN_VARIABLES = frozenset(
    {
        "REHEARSAL_CACHE",
        "REHEARSAL_RUNS",
        "REHEARSAL_TOKEN",
        "REHEARSAL_UNDERSTUDY_KEY",
        "REHEARSAL_CANDIDATE_KEY",
    }
)
"""Variables that are not keys of the run file."""

SECRETIVE = {("api_key_env",), ("base_url",), ("store",)}
"""Keys whose wrong value may be a secret that was put in the wrong place."""

Lines = dict[tuple[str, ...], int]


def load_settings(path: Path) -> Settings:
    """Read the run file at `path` and lay the environment over it.

    `OPENAI_BASE_URL` fills `endpoint.base_url` where the file is silent;
    `REHEARSAL_CAMPAIGN__SESSIONS=50` sets `campaign.sessions`.

    Raises:
        ConfigError: The file cannot be read or does not describe a run.
    """
    settings, lines = _read(path)
    if settings.campaign.casting.asks:
        _refuse_impossible_cast(settings, path, lines)
    return settings


def _read(path: Path) -> tuple[Settings, Lines]:
    data, lines = _parse(path)
    if "name" not in data:
        data["name"] = path.stem
    base_url = os.environ.get("OPENAI_BASE_URL")
    endpoint = data.setdefault("endpoint", {})
    if base_url and isinstance(endpoint, dict):
        endpoint.setdefault("base_url", base_url)
    overridden = _lay_environment_over(data)
    _read_shares(data, path)
    try:
        return Settings.model_validate(data), lines
    except ValidationError as error:
        raise _as_config_error(error, path, lines, overridden) from None


def _read_shares(data: dict[str, Any], path: Path) -> None:
    """Put what stands in CSV files of shares in the place of their paths."""
    campaign = data.get("campaign")
    casting = campaign.get("casting") if isinstance(campaign, dict) else None
    if not isinstance(casting, dict):
        return
    for name in DIMENSIONS:
        if isinstance(casting.get(name), str):
            from campaigns.casting.marginals import read_marginal

            file = Path(casting[name])
            beside = path.parent / file
            casting[name] = read_marginal(file if file.is_file() else beside)


def _refuse_impossible_cast(settings: Settings, path: Path, lines: Lines) -> None:
    """Refuse what the run file asks of the cast and the pack cannot give.

    Raises:
        ConfigError: The key is named.
        PackError: The pack cannot be read.
    """
    from agents.pack import load_pack
    from campaigns.casting.deal import quota_of
    from campaigns.casting.grammar import load_grammar

    try:
        quota_of(load_grammar(load_pack(settings.pack)), settings.campaign.casting)
    except ConfigError as error:
        keys = tuple(error.where.split("."))
        raise ConfigError(
            error.what, **{**error.fields(), "where": _place(path, lines, keys)}
        ) from None


def shipped_config(name: str) -> Path:
    """Return the path of one of the run files in `configs/`."""
    return Path(__file__).resolve().parent.parent / "configs" / f"{name}.yaml"


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
    """Copy the effective settings into the run's folder."""
    folder.root.mkdir(parents=True, exist_ok=True)
    data = settings.model_dump(mode="json")
    data["roles"] = {name: role for name, role in data["roles"].items() if role is not None}
    for role in data["roles"].values():  # what a role shares with `endpoint` stands there only
        for key in [key for key, value in data["endpoint"].items() if role[key] == value]:
            del role[key]
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    # Whole or not at all: a run that is killed here must still find its settings.
    fresh = folder.config.with_name(f".{folder.config.name}.new")
    fresh.write_text("# The effective run file: every key, as it was used.\n" + text)
    fresh.replace(folder.config)


def keep_settings(settings: Settings, folder: RunFolder) -> None:
    """Copy what later stages were run with into the run's folder.

    Where a campaign has been begun, what its sessions depend on stays as it was begun with.
    """
    if not folder.config.is_file() or not folder.ledger.exists():
        save_settings(settings, folder)
        return
    begun, _ = _read(folder.config)
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
            return _read(folder.config)[0], folder
    if Path(name).is_file():
        raise _is_run_file(Path(name))
    known = sorted(path.parent.name for path in runs_root().glob("*/config.yaml"))
    raise ConfigError(
        "there is no such run",
        where=name,
        expected=f"a run's folder, or one of: {', '.join(known) or 'none yet'}",
        mend='"rehearsal campaign list" shows the runs; "rehearsal demo" makes a first one',
    )


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


def _parse(path: Path) -> tuple[dict[str, Any], Lines]:
    where = str(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(
                "the run file is too large", where=where, expected=f"at most {MAX_BYTES:,} bytes"
            )
        text = path.read_text(encoding="utf-8")
        refuse_bombs(text, where)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except FileNotFoundError:
        raise ConfigError(
            "the run file is not there",
            where=where,
            expected="a YAML file such as those in configs/",
            mend='copy one: cp configs/demo.yaml my-run.yaml, then name it: "my-run.yaml"',
        ) from None
    except (IsADirectoryError, PermissionError) as error:
        raise ConfigError("the run file cannot be read", where=where, got=str(error)) from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            "the run file is not text in UTF-8", where=where, got=f"a byte at {error.start}"
        ) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        spot = f"{where}:{mark.line + 1}" if mark else where
        raise ConfigError(
            "the run file is not YAML", where=spot, got=str(getattr(error, "problem", error))
        ) from None
    if not isinstance(data, dict):
        raise ConfigError(
            "the run file does not hold keys",
            where=where,
            expected="name: my-run, and so on",
            got=type(data).__name__,
        )
    return data, _lines_of(node, path)


def _lines_of(node: yaml.Node | None, path: Path, at: tuple[str, ...] = ()) -> Lines:
    """Map each key's path to its line; refuse a key that stands twice."""
    lines: Lines = {}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*at, str(key.value))
            line = key.start_mark.line + 1
            if here in lines:
                raise ConfigError(
                    f'the key "{".".join(here)}" stands twice',
                    where=f"{path}:{line}",
                    got=f"first on line {lines[here]}",
                    mend="keep one of the two",
                )
            lines[here] = line
            lines.update(_lines_of(value, path, here))
    return lines


def _lay_environment_over(data: dict[str, Any]) -> dict[tuple[str, ...], str]:
    """Set keys from `REHEARSAL_…` variables; return which variable set which key."""
    set_by: dict[tuple[str, ...], str] = {}
    for variable in sorted(os.environ):
        if not variable.startswith(PREFIX) or variable in OWN_VARIABLES:
            continue
        keys = tuple(variable[len(PREFIX) :].lower().split("__"))
        spot: Any = data
        for key in keys[:-1]:
            spot = spot.setdefault(key, {}) if isinstance(spot, dict) else None
        if isinstance(spot, dict):
            spot[keys[-1]] = _value_of(variable)
        set_by[keys] = variable
    return set_by


def _value_of(variable: str) -> Any:  # noqa: ANN401 - any YAML value
    try:
        return yaml.safe_load(os.environ[variable])
    except yaml.YAMLError as error:
        raise ConfigError(
            "the variable's value is not YAML",
            where=variable,
            got=str(getattr(error, "problem", error)),
            mend="quote it as in a YAML file",
        ) from None


def _as_config_error(
    error: ValidationError, path: Path, lines: Lines, set_by: dict[tuple[str, ...], str]
) -> ConfigError:
    """Turn pydantic's first complaint into one line a person can act on."""
    first = error.errors(include_url=False)[0]
    keys = tuple(str(part) for part in first["loc"])
    where = set_by.get(keys) or _place(path, lines, keys)
    more = error.error_count() - 1
    also = f" ({more} more after this one)" if more else ""
    if first["type"] == "extra_forbidden":
        known = _keys_under(keys[:-1])
        close = difflib.get_close_matches(keys[-1], known, n=1)
        return ConfigError(
            f'unknown key "{keys[-1]}"{also}',
            where=where,
            expected=f"one of: {', '.join(known)}",
            got=keys[-1],
            mend=f'did you mean "{close[0]}"?' if close else "remove it",
        )
    if first["type"] == "missing":
        return ConfigError(f'the key "{keys[-1]}" is missing{also}', where=where, mend="add it")
    return ConfigError(
        f"the value cannot be used{also}",
        where=where,
        expected=first["msg"],
        got="(not shown)" if keys[-1:] in SECRETIVE else repr(first.get("input")),
    )


def _place(path: Path, lines: Lines, keys: tuple[str, ...]) -> str:
    for length in range(len(keys), 0, -1):
        line = lines.get(keys[:length])
        if line:
            return f"{path}:{line}: {'.'.join(keys)}"
    return f"{path}: {'.'.join(keys)}" if keys else str(path)


def _keys_under(keys: tuple[str, ...]) -> list[str]:
    """The keys that may stand at `keys` in the tree."""
    model: type[BaseModel] = Settings
    for key in keys:
        field = model.model_fields.get(key)
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return list(model.model_fields)
