"""`rehearsal understudy`: serve the embedded stand-in for a model."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from domain.errors import ConfigError
from rehearsal.console import stderr

if TYPE_CHECKING:
    from understudy.faults import FaultSettings


def understudy(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8765,
    host: Annotated[str, typer.Option(help="Address; anything but loopback needs a token.")] = (
        "127.0.0.1"
    ),
    log: Annotated[
        Path | None, typer.Option(help="Write one JSON line per request: key, hash, outcome.")
    ] = None,
    latency: Annotated[
        str, typer.Option(help="Milliseconds per answer: 300, or lognormal:300:0.5.")
    ] = "0",
    rate_limited: Annotated[float, typer.Option(help="Share answered 429 with Retry-After.")] = 0,
    server_error: Annotated[float, typer.Option(help="Share answered 500.")] = 0,
    hang: Annotated[float, typer.Option(help="Share never answered.")] = 0,
    malformed: Annotated[float, typer.Option(help="Share answered with broken JSON.")] = 0,
    truncated: Annotated[float, typer.Option(help="Share cut short (finish_reason length).")] = 0,
    empty: Annotated[float, typer.Option(help="Share answered with nothing.")] = 0,
    refusal: Annotated[float, typer.Option(help="Share refused.")] = 0,
    slow_loris: Annotated[float, typer.Option(help="Share sent a byte at a time.")] = 0,
    reset: Annotated[float, typer.Option(help="Share reset in the middle of the body.")] = 0,
    unfit: Annotated[float, typer.Option(help="Share of JSON that breaks its schema.")] = 0,
    wrong_role: Annotated[float, typer.Option(help="Share said as the user.")] = 0,
    garbage: Annotated[float, typer.Option(help="Share with text that is no text.")] = 0,
    huge: Annotated[float, typer.Option(help="Share of ten megabytes.")] = 0,
    announce: Annotated[
        Path | None, typer.Option(help="Write the address there, as JSON, once it listens.")
    ] = None,
    parent: Annotated[
        int | None, typer.Option(help="End when this process is gone.", hidden=True)
    ] = None,
) -> None:
    """Serve /v1/chat/completions offline: client, therapist, supervisor and judge.

    A token is asked for when REHEARSAL_TOKEN is set; listening beyond loopback needs one.
    """
    from understudy.server import serve

    faults = _faults(
        latency,
        rate_limited=rate_limited,
        server_error=server_error,
        hang=hang,
        malformed=malformed,
        truncated=truncated,
        empty=empty,
        refusal=refusal,
        slow_loris=slow_loris,
        reset=reset,
        unfit=unfit,
        wrong_role=wrong_role,
        garbage=garbage,
        huge=huge,
    )

    def say_where(base_url: str) -> None:
        if announce is not None:
            write_whole(announce, json.dumps({"base_url": base_url}))
        stderr().print(f"The understudy listens at {base_url} (Ctrl-C ends it).", markup=False)

    token = os.environ.get("REHEARSAL_TOKEN") or None
    serve(host, port, faults, log, token, say_where, parent)


def _faults(latency: str, **rates: float) -> FaultSettings:
    """Read the fault options.

    Raises:
        ConfigError: A rate is not a share, or they add up to more than all calls.
    """
    from understudy.faults import FaultSettings, read_latency

    try:
        return FaultSettings.model_validate({**read_latency(latency), **rates})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        option = "--" + "-".join(str(part) for part in first["loc"]).replace("_", "-")
        raise ConfigError(
            "these faults cannot be injected",
            where=option if first["loc"] else "fault rates",
            expected="shares from 0 to 1 that add up to at most 1",
            got=first["msg"],
        ) from None


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees all of it or none."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text)
    fresh.replace(path)
