"""`rehearsal understudy`: serve the embedded stand-in for a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def understudy(
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.")] = 8765,
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
    raise NotImplementedError
