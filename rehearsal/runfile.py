"""Reads a run file: YAML to `Settings`, with the line of whatever is wrong."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from domain.casting import DIMENSIONS
from domain.errors import ConfigError
from domain.settings import Settings
from rehearsal.complaint import as_config_error
from rehearsal.environment import lay_environment_over
from rehearsal.yamlfile import Lines, parse_yaml, place


def load_settings(path: Path) -> Settings:
    """Read the run file at `path` and lay the environment over it.

    `OPENAI_BASE_URL` fills `endpoint.base_url` where the file is silent;
    `REHEARSAL_CAMPAIGN__SESSIONS=50` sets `campaign.sessions`.

    Raises:
        ConfigError: The file cannot be read or does not describe a run.
    """
    settings, lines = read_settings(path)
    if settings.campaign.casting.asks:
        _refuse_impossible_cast(settings, path, lines)
    return settings


def read_settings(path: Path) -> tuple[Settings, Lines]:
    """Read a run file as `load_settings` does, without asking whether its cast is possible.

    Returns:
        The settings, and the line of each key by its path.

    Raises:
        ConfigError: The file cannot be read or does not describe a run.
    """
    data, lines = parse_yaml(path)
    if "name" not in data:
        data["name"] = path.stem
    base_url = os.environ.get("OPENAI_BASE_URL")
    endpoint = data.setdefault("endpoint", {})
    if base_url and isinstance(endpoint, dict):
        endpoint.setdefault("base_url", base_url)
    overridden = lay_environment_over(data)
    _read_shares(data, path)
    try:
        return Settings.model_validate(data), lines
    except ValidationError as error:
        raise as_config_error(error, path, lines, overridden) from None


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
            error.what, **{**error.fields(), "where": place(path, lines, keys)}
        ) from None


def shipped_config(name: str) -> Path:
    """Return the path of one of the run files in `configs/`."""
    return Path(__file__).resolve().parent.parent / "configs" / f"{name}.yaml"
