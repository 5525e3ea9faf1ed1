"""Which models are under test: groups that are served here, and endpoints elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from domain.base import content_id
from evaluation.candidates.adapters import (
    adapter_hash,
    check_adapter,
    fingerprint,
    is_whole,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.runfolder import RunFolder
    from domain.settings import HostedSettings, Settings

BASE = "base"
"""The base without any adapter, among the models under test."""
LOOPBACKS = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Group:
    """What one server holds: a whole model, and adapters of it."""

    name: str
    """Model name of the whole one."""
    base: str
    """Its folder, or its hub id."""
    adapters: Mapping[str, Path] = field(default_factory=dict)
    """PEFT folders by model name."""

    @property
    def variants(self) -> tuple[str, ...]:
        """The whole model first."""
        return (self.name, *self.adapters)


@dataclass(frozen=True)
class Models:
    """All models under test; the first group is the base's."""

    groups: tuple[Group, ...]
    hosted: Mapping[str, HostedSettings] = field(default_factory=dict)

    @property
    def local(self) -> tuple[str, ...]:
        """Names of the models that are served here."""
        return tuple(name for group in self.groups for name in group.variants)

    @property
    def variants(self) -> tuple[str, ...]:
        """Names of all models, the base first."""
        return (*self.local, *self.hosted)

    @property
    def adapters(self) -> dict[str, Path]:
        """The base's adapters."""
        return dict(self.groups[0].adapters)

    @property
    def trained(self) -> dict[str, Path]:
        """Folders of the models that are served here, adapters and whole ones, without the base."""
        return {**self.adapters, **{one.name: Path(one.base) for one in self.groups[1:]}}

    def hashes(self) -> dict[str, str]:
        """SHA-256 of what is on disk, for each model that is served here; the base's included."""
        found = {}
        for group in self.groups:
            found[group.name] = fingerprint(group.base)
            found.update({name: adapter_hash(path) for name, path in group.adapters.items()})
        return found


def untrained(settings: Settings, folder: RunFolder) -> tuple[str, ...]:
    """Return the variants of which training has left nothing yet; it leaves all or nothing."""
    brought = settings.evaluation.models
    return tuple(
        name
        for name in settings.training.variants
        if name not in brought and not (folder.adapters / name).exists()
    )


def models_of(settings: Settings, folder: RunFolder, base: Path | str) -> Models:
    """Return the base, the run file's variants, its further models, and its endpoints.

    A variant that was trained with `training.method: full` is a whole model and has a group of its
    own, as have folders of whole models in `evaluation.models`, such as those of `train merge`.

    Raises:
        EvaluationError: A variant is missing, or a folder holds nothing that can be served.
    """
    named: dict[str, Path] = {name: folder.adapters / name for name in settings.training.variants}
    named.update({name: Path(path) for name, path in settings.evaluation.models.items()})
    adapters, wholes = {}, []
    for name, path in named.items():
        if is_whole(path):
            wholes.append(Group(name, str(path)))
        else:
            check_adapter(name, path)
            adapters[name] = path
    first = Group(BASE, str(base), adapters)
    return Models((first, *wholes), settings.evaluation.hosted)


def hosted_hash(name: str, hosted: HostedSettings, settings: Settings) -> str:
    """Name what a hosted model's answers depend on besides the scenario.

    The address is a part, since two endpoints may call different models by one name; on this
    machine it is not, where a server takes another port every time.
    """
    asked = {"model", "temperature", "top_p", "max_tokens"}
    if urlsplit(hosted.base_url).hostname not in LOOPBACKS:
        asked.add("base_url")
    return content_id(
        "hosted",
        {
            "name": name,
            "model": hosted.model_dump(mode="json", include=asked),
            "temperature": settings.evaluation.temperature,
            "max_new_tokens": settings.evaluation.max_new_tokens,
            "seed": settings.seed,
        },
    )
