"""Options that several verbs share, and what they do to the settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from domain.runfolder import RunFolder
from domain.settings import EngineSettings, Settings

ConfigArgument = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="The run file, e.g. configs/demo.yaml.")
]
RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's folder, or its name under runs/.")
]
TargetArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="A run file, a run's folder, or its name under runs/.")
]
RunOption = Annotated[
    Path | None, typer.Option("--run", help="The run's folder (default: runs/<name>).")
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="One JSON document on stdout; all else on stderr.")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Show what would be started and asked, and do nothing.")
]
RayOption = Annotated[
    str | None,
    typer.Option("--ray", metavar="ADDRESS", help="Join this Ray: auto, or ray://HOST:10001."),
]
SubmitOption = Annotated[
    str | None,
    typer.Option(
        "--submit",
        metavar="ADDRESS",
        help="Send this command as a Ray job to http://HOST:8265 and follow it. "
        "Only code and the run file travel.",
    ),
]


def present(path: Path, where: str, expected: str = "a file or a folder") -> Path:
    """Return a path that a person named, once it is seen to be there.

    Args:
        path: The path.
        where: The argument, option or key that names it.
        expected: What should be there.

    Raises:
        ConfigError: Nothing is there.
    """
    from domain.errors import ConfigError

    if path.exists():
        return path
    raise ConfigError(
        "there is no such file or folder",
        where=f"{where}: {path}",
        expected=expected,
        got="nothing there",
        mend="check the path",
    )


def with_ray(settings: Settings, address: str | None) -> Settings:
    """Return the settings with Ray's address laid over them."""
    if address is None:
        return settings
    engine = EngineSettings.model_validate(
        {**settings.engine.model_dump(), "kind": "ray", "ray_address": address}
    )
    return settings.model_copy(update={"engine": engine})


def with_transcripts(settings: Settings, transcripts: Path, licence: str | None) -> Settings:
    """Return the settings with other transcripts; their licence is unstated unless it is given."""
    same = settings.corpus.transcripts == str(transcripts)
    stated = licence or (settings.corpus.licence if same else "unstated")
    corpus = settings.corpus.model_copy(update={"transcripts": str(transcripts), "licence": stated})
    return settings.model_copy(update={"corpus": corpus})


def folder_of(settings: Settings, run: Path | None) -> RunFolder:
    """Return the run's folder: the one named, or `runs/<name>`."""
    from rehearsal.runs import runs_root

    return RunFolder((run or runs_root() / settings.name).resolve())


def folder_to_write(settings: Settings, run: Path | None) -> RunFolder:
    """Return the run's folder, once it is seen that it can be made and written to.

    Raises:
        ConfigError: It cannot, or holds files that no run has made; a command line that names it
            cannot be used.
    """
    from domain.errors import ConfigError
    from rehearsal.runs import refuse_foreign

    folder = folder_of(settings, run)
    there = next(path for path in (folder.root, *folder.root.parents) if os.access(path, os.F_OK))
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        refuse_foreign(folder)
        return folder
    raise ConfigError(
        "the run's folder cannot be used",
        where=f"--run: {folder.root}" if run else str(folder.root),
        expected="a folder that can be written to, or made",
        got=f"{there} is {'not writable' if there.is_dir() else 'a file'}",
        mend="name another folder with --run",
    )


def find_target(target: str, run: Path | None = None) -> tuple[Settings, RunFolder]:
    """Take a run file, or a run that exists already.

    Raises:
        ConfigError: It is neither.
    """
    from rehearsal.runfile import load_settings
    from rehearsal.runs import open_run

    path = Path(target)
    if path.is_file() or path.suffix in {".yaml", ".yml"}:
        settings = load_settings(path)
        return settings, folder_of(settings, run)
    settings, folder = open_run(target)
    return settings, folder if run is None else RunFolder(run)


def signer(name: str, option: str) -> str:
    """Return the name of who signs.

    Raises:
        ConfigError: It is empty.
    """
    from domain.errors import ConfigError

    if not name.strip():
        raise ConfigError(
            "nobody has signed",
            where=option,
            expected="the name of the person who read the review",
            got="an empty name",
            mend=f'give it: {option} "YOUR NAME"',
        )
    return name


def percentages(shares: str, option: str) -> tuple[int, ...]:
    """Read the synthetic shares of an option in percent, such as `0,25,50,100`.

    Raises:
        ConfigError: They are not different whole numbers from 0 to 100.
    """
    from domain.errors import ConfigError

    said = [share.strip().removesuffix("%") for share in shares.split(",")]
    wrong = [one for one in said if not (one.isdecimal() and int(one) <= 100)]
    found = tuple(int(one) for one in said) if not wrong else ()
    twice = [one for one in found if found.count(one) > 1]
    if not wrong and not twice:
        return found
    raise ConfigError(
        "the synthetic shares cannot be used",
        where=option,
        expected="different whole percentages with commas between them, such as 0,25,50,100",
        got=f"{shares!r}, in which {wrong[0]!r} is none" if wrong else f"{twice[0]} twice",
        mend=f"write for example {option} 0,25,50,100",
    )
