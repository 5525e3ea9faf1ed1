"""The discriminator of the round before, as a campaign reads its drafts with it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.discriminator import Discriminator
from corpus.files import appears_at
from domain.errors import ConfigError, PackError
from domain.runfolder import RunFolder

if TYPE_CHECKING:
    from domain.settings import Settings


def before(settings: Settings) -> RunFolder | None:
    """Return the run of the round before, None in the first or where there is no discriminator."""
    asked = settings.campaign.discriminator
    return RunFolder(Path(asked.after)) if asked is not None and asked.after else None


def hash_of(settings: Settings, folder: RunFolder) -> str:
    """Return the SHA-256 of the discriminator that reads this campaign's drafts, "" for none.

    A campaign that has begun keeps the copy it began with.

    Raises:
        ConfigError: The round before has none.
    """
    place = _place(settings, folder)
    return hashlib.sha256(place.read_bytes()).hexdigest() if place is not None else ""


def keep_discriminator(settings: Settings, folder: RunFolder) -> None:
    """Copy the discriminator into the run's folder, where resuming and workers find it.

    Raises:
        StoreError: It cannot be written.
    """
    place = _place(settings, folder)
    if place is None or place == folder.earlier_discriminator:
        return
    with appears_at(folder.earlier_discriminator) as temporary:
        temporary.write_bytes(place.read_bytes())
        temporary.chmod(0o600)  # words of real people's sessions


def _place(settings: Settings, folder: RunFolder) -> Path | None:
    earlier = before(settings)
    if earlier is None:
        return None
    if folder.earlier_discriminator.is_file():
        return folder.earlier_discriminator
    if not earlier.discriminator.is_file():
        raise ConfigError(
            "the round before has no discriminator",
            where="campaign.discriminator.after",
            expected=f"a finished campaign with {earlier.discriminator.name}",
            got=str(earlier.root),
            mend="Play that campaign with `campaign.discriminator: {}` and signed real sessions.",
        )
    return earlier.discriminator


def reader_of(path: str, expected: str) -> Discriminator | None:
    """Load the discriminator inside a worker; None where there is none.

    Raises:
        PackError: The worker sees another file than the driver.
        CompareError: It is no discriminator.
    """
    if not path:
        return None
    place = Path(path)
    got = hashlib.sha256(place.read_bytes()).hexdigest() if place.is_file() else "no file"
    if got != expected:
        raise PackError(
            "the worker sees another discriminator than the driver",
            where=path,
            expected=f"the file with hash {expected[:16]}…",
            got=f"{got[:16]}…",
            mend="Keep the run's folder on storage that every node shares.",
        )
    return Discriminator.load(place)
