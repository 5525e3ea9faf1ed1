"""Serve a base and its adapters: `python -m evaluation.serving --base PATH --adapter NAME=PATH`."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from domain.errors import ConfigError, RehearsalError

_LOG = logging.getLogger("evaluation.serving")


def main(arguments: list[str] | None = None) -> int:
    """Load the models, serve them until told to stop; return the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    if not options.allow_hub:
        os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        token = _token(options.token_env, options.host)
        asyncio.run(_serve(options, token))
    except RehearsalError as error:
        _LOG.error("%s", error)
        _announce(options.announce, {"error": error.what, **error.fields()})
        return int(error.exit_code)
    except OSError as error:
        message = f"cannot listen on {options.host}:{options.port}: {error}"
        _LOG.error("%s", message)
        _announce(options.announce, {"error": message})
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evaluation.serving", description=__doc__)
    parser.add_argument("--base", required=True, help="folder (or hub id) of a causal LM")
    parser.add_argument(
        "--adapter", action="append", default=[], metavar="NAME=PATH", type=_named_path
    )
    parser.add_argument("--name", default="base", help="model name of the base")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--announce", type=Path, help="file to write the address to, as JSON")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument(
        "--precision", default="auto", choices=["auto", "float32", "float64", "bfloat16"]
    )
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 leaves it to torch")
    parser.add_argument("--allow-hub", action="store_true", help="may fetch the base from a hub")
    parser.add_argument(
        "--drop-oldest", action="store_true", help="shorten conversations that are too long"
    )
    parser.add_argument(
        "--watch-stdin", action="store_true", help="stop when standard input is closed"
    )
    parser.add_argument(
        "--token-env", default="", help="name of the variable that holds the API key, if any"
    )
    return parser


def _named_path(text: str) -> tuple[str, Path]:
    name, _, path = text.partition("=")
    if not name or not path:
        raise argparse.ArgumentTypeError(f"expected NAME=PATH, got {text!r}")
    return name, Path(path)


def _token(variable: str, host: str) -> str | None:
    """Return the token that callers must send; None lets everybody on this machine in.

    Raises:
        ConfigError: The variable is not set, or `host` is beyond loopback and there is no token.
    """
    token = os.environ.get(variable, "").strip() if variable else ""
    if variable and not token:
        raise ConfigError(
            "the variable with the token is not set",
            where=f"--token-env {variable}",
            expected="a token that callers send as their API key",
            got="nothing",
            mend=f"Set {variable}, or leave --token-env out.",
        )
    if not token and not _is_loopback(host):
        raise ConfigError(
            "listening beyond loopback needs a token",
            where=f"--host {host}",
            expected="a token that callers send as their API key",
            got="none",
            mend="Put one in a variable and name it with --token-env, or leave --host out.",
        )
    return token or None


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _serve(options: argparse.Namespace, token: str | None) -> None:
    import torch
    from aiohttp import web

    from evaluation.serving.app import ModelApp
    from evaluation.serving.loading import load_models

    if options.threads:
        torch.set_num_threads(options.threads)
    models = load_models(
        options.base,
        dict(options.adapter),
        name=options.name,
        precision=options.precision,
        device=options.device,
        local_only=not options.allow_hub,
    )
    app = ModelApp(models, token=token, drop_oldest=options.drop_oldest).build()
    # a caller who goes away ends what is generated for it
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, options.host, options.port).start()
        address = runner.addresses[0]
        url = f"http://{address[0]}:{address[1]}/v1"
        _LOG.info("serving %s at %s", ", ".join(models.names), url)
        _announce(options.announce, {"base_url": url, "models": list(models.names)})
        await _until_told(watch_stdin=options.watch_stdin)
    finally:
        await runner.cleanup()


async def _until_told(*, watch_stdin: bool) -> None:
    """Return on SIGINT or SIGTERM, or when the parent that holds our standard input is gone."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if watch_stdin:

        def watch() -> None:
            sys.stdin.buffer.read()
            loop.call_soon_threadsafe(stop.set)

        threading.Thread(target=watch, daemon=True).start()
    await stop.wait()


def _announce(path: Path | None, content: dict[str, object]) -> None:
    """Write in one step, so that a reader never sees half a file."""
    if path is None:
        return
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content), encoding="utf-8")
    part.replace(path)


if __name__ == "__main__":
    sys.exit(main())
