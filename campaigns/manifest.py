"""What a campaign was begun with, and whether it may go on with what is given now."""

from __future__ import annotations

import errno
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from domain.base import Noun, canonical_json
from domain.errors import ConfigError, ResumeRefusedError, StoreError
from domain.settings import UNHASHED, EndpointSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from agents.pack import Pack
    from campaigns.planfile import PlanLines
    from domain.runfolder import RunFolder

_SHOWN = 6
"""How many changed keys an error lists."""


class Manifest(Noun):
    """campaign.json: what every session's bytes depend on."""

    settings: Settings
    pack_hash: str
    plan_hash: str
    """Of the plan as dealt; empty while its personas are being written."""
    discriminator_hash: str = ""
    """Of the discriminator that reads the drafts; "" where none does."""

    @property
    def run_hash(self) -> str:
        """Hash of config and prompts, kept in every shard of the ledger."""
        read_by = f"+{self.discriminator_hash[:16]}" if self.discriminator_hash else ""
        return f"{self.settings.campaign_hash()}+{self.pack_hash[:16]}{read_by}"


def manifest_of(
    settings: Settings, pack: Pack, plan_hash: str, discriminator_hash: str = ""
) -> Manifest:
    """Return the manifest of a campaign that begins now."""
    return Manifest(
        settings=settings,
        pack_hash=pack.hash,
        plan_hash=plan_hash,
        discriminator_hash=discriminator_hash,
    )


def manifest_path(folder: RunFolder) -> Path:
    """Where a campaign's manifest stands."""
    return folder.root / "campaign.json"


def read_manifest(folder: RunFolder) -> Manifest | None:
    """Return what the campaign was begun with, or None where none was.

    Raises:
        StoreError: The file cannot be read.
    """
    path = manifest_path(folder)
    if not path.is_file():
        return None
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise StoreError(
            "the campaign's manifest cannot be read",
            where=str(path),
            got=str(error).splitlines()[0],
            mend="Start a new run under another name; its ledger can still be read.",
        ) from error


def require_campaign(folder: RunFolder) -> None:
    """Refuse a folder without a campaign.

    Raises:
        ConfigError: There is none.
    """
    if not manifest_path(folder).is_file():
        raise ConfigError(
            "there is no campaign",
            where=str(folder.root),
            expected="a folder that `rehearsal campaign run` has written to",
            mend="See `rehearsal campaign list`.",
        )


def write_atomically(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Write a file, at once or piece by piece, so that it is either whole or not there.

    Raises:
        StoreError: It cannot be written.
    """
    fresh = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("wb") as file:
            file.writelines([data] if isinstance(data, bytes) else data)
        fresh.replace(path)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise StoreError(
            "the disk is full" if full else "a file of the run cannot be written",
            where=str(path),
            got=str(error),
            mend="Free some space; then resume."
            if full
            else "Correct the folder's permissions; then resume.",
        ) from error


def begin(folder: RunFolder, now: Manifest, plan: PlanLines) -> None:
    """Write the manifest and the plan of a campaign that has none yet; a plan that is gone, again.

    Raises:
        StoreError: They cannot be written.
    """
    before = read_manifest(folder)
    new = before is None or not before.plan_hash
    if new or not folder.plan.is_file():
        write_atomically(folder.plan, (line + b"\n" for line in plan.lines))
    if new:
        write_atomically(manifest_path(folder), canonical_json(now))


def begin_casting(folder: RunFolder, now: Manifest) -> None:
    """Write the manifest of a campaign whose personas are yet to be written.

    Raises:
        StoreError: It cannot be written.
    """
    if read_manifest(folder) is None:
        write_atomically(manifest_path(folder), canonical_json(now))


def admit(folder: RunFolder, now: Manifest, *, resume: bool) -> None:
    """Check that the campaign may begin here, or go on from what is here; writes nothing.

    Raises:
        ConfigError: A campaign is there and `resume` was not asked for, or the reverse.
        ResumeRefusedError: Config, pack or plan have changed; says what.
    """
    before = read_manifest(folder)
    if before is None and resume:
        raise ConfigError(
            "there is no campaign to resume",
            where=str(folder.root),
            expected="a folder that `rehearsal campaign run` has written to",
            mend="Check the run's name, or use `rehearsal campaign run`.",
        )
    if before is not None and not resume:
        raise _begun(folder, changes(before, now))
    changed = changes(before, now) if before is not None else []
    if changed:
        raise ResumeRefusedError(
            "the campaign cannot go on with what has changed",
            where=str(folder.root),
            expected="the config, pack and plan it was begun with",
            got=_listed(changed),
            mend="Restore what has changed, or start a new run under another name.",
        )


def _begun(folder: RunFolder, changed: list[str]) -> ConfigError:
    """Say that the name is taken, and what the run file now asks for that the campaign does not."""
    state = "finished" if folder.sessions.is_file() else "begun"
    resume = f'`rehearsal campaign resume "{folder.root}"`'
    if changed:
        mend = f"Give the run another `name`; {resume} goes on with the campaign as it was begun."
    else:
        mend = f"Go on with it by {resume}, or give the run another `name`."
    return ConfigError(
        f"a campaign named {folder.root.name} has been {state}",
        where=str(folder.root),
        expected="a new name",
        got=_listed(changed, "this run file differs from the one it was begun with: "),
        mend=mend,
    )


def _listed(changed: list[str], head: str = "") -> str:
    more = "; …" if len(changed) > _SHOWN else ""
    return f"{head}{'; '.join(changed[:_SHOWN])}{more}" if changed else ""


def changes(before: Manifest, now: Manifest) -> list[str]:
    """Say what differs between two manifests, among what a session's bytes depend on."""
    told = []
    old, new = _flat(_relevant(before.settings)), _flat(_relevant(now.settings))
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            told.append(f"{key}: {old.get(key)} became {new.get(key)}")
    if before.pack_hash != now.pack_hash:
        told.append(f"the files of pack {now.settings.pack} were edited")
    if before.discriminator_hash != now.discriminator_hash:
        told.append("the discriminator under campaign.discriminator.after is another one")
    # A plan that a model is yet to write says nothing.
    if not told and before.plan_hash and now.plan_hash not in ("", before.plan_hash):
        told.append("the file under campaign.cast was edited")
    return told


def _relevant(settings: Settings) -> dict[str, Any]:
    """The settings that `Settings.campaign_hash` covers."""
    moved = set(EndpointSettings.model_fields)
    data = settings.model_dump(mode="json")
    roles = {
        name: {key: value for key, value in role.items() if key not in moved}
        for name, role in data["roles"].items()
        if name != "judge" and role is not None
    }
    campaign = {key: value for key, value in data["campaign"].items() if key not in UNHASHED}
    return {"seed": data["seed"], "pack": data["pack"], "roles": roles, "campaign": campaign}


def _flat(data: dict[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{before}{key}."))
        else:
            flat[f"{before}{key}"] = value
    return flat
