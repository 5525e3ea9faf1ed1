"""The program: gathers the verbs, runs one, and ends with the right exit code."""

from __future__ import annotations

import atexit
import os
import signal
import sys

import typer

from domain.errors import ExitCode, RehearsalError
from rehearsal import (
    __version__,
    campaign,
    cast_verbs,
    corpus_verbs,
    critic,
    demo,
    doctor,
    evaluate,
    judge,
    pack,
    privacy_verbs,
    report,
    trace,
    train_verbs,
    understudy_verb,
)
from rehearsal.verbs import Verbs

_STOPPING = (signal.SIGINT, signal.SIGTERM)
"""What asks the program to stop."""

app = Verbs(
    name="rehearsal",
    help="Play counselling sessions until they are worth learning from; prove what was learned.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _root(
    version: bool = typer.Option(False, "--version", help="Show the version and stop."),
) -> None:
    if version:
        typer.echo(f"rehearsal {__version__}")
        raise typer.Exit


app.command("demo")(demo.demo)
app.command("understudy")(understudy_verb.understudy)
app.add_typer(cast_verbs.app, name="cast")
app.add_typer(campaign.app, name="campaign")
app.add_typer(trace.app, name="trace")
app.add_typer(pack.app, name="pack")
corpus_verbs.app.command("pii-check")(privacy_verbs.pii_check)
corpus_verbs.app.command("forget")(privacy_verbs.forget)
app.add_typer(corpus_verbs.app, name="corpus")
app.add_typer(critic.app, name="critic")
app.add_typer(judge.app, name="judge")
app.add_typer(train_verbs.app, name="train")
app.command("evaluate")(evaluate.evaluate)
app.command("report")(report.report)
app.command("doctor")(doctor.doctor)


def _ended(code: object, *, as_json: bool) -> int:
    """Turn how typer ended into an exit code; a program that asked for JSON gets its document."""
    from rehearsal.console import emit_json, stderr

    number = code if isinstance(code, int) else int(bool(code))
    what = {ExitCode.USAGE: "the command cannot be used so", ExitCode.INTERRUPTED: "interrupted"}
    if as_json and number in what:
        said = {"kind": "Usage" if number == ExitCode.USAGE else "Interrupted"}
        emit_json({"error": {**said, "what": what[ExitCode(number)], "exit_code": number}})
    if number == ExitCode.INTERRUPTED:  # last: whoever is impatient has the document by now
        stderr().print("Stopped.")
    return number


def silence_telemetry() -> None:
    """Switch off what dependencies would report; a value the user set is left alone."""
    for variable, value in {
        "RAY_USAGE_STATS_ENABLED": "0",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
        "LANGSMITH_TRACING": "false",
        "LANGSMITH_TRACING_V2": "false",
        "TOKENIZERS_PARALLELISM": "false",
    }.items():
        os.environ.setdefault(variable, value)


def main() -> None:
    """Run the command line and exit; one more Ctrl-C on the way out changes nothing."""
    silence_telemetry()
    atexit.register(_ignore_signals)  # the first to be registered is the last to be called
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # while it was being said how the command had ended
        code = int(ExitCode.INTERRUPTED)
    for one in _STOPPING:
        signal.signal(one, lambda *_: os._exit(code))
    sys.exit(code)


def _ignore_signals() -> None:
    """Hear nothing any more: the interpreter gives up handlers of ours before it has ended."""
    for one in _STOPPING:
        signal.signal(one, signal.SIG_IGN)


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    from rehearsal.console import results_only, show_failure

    as_json = "--json" in arguments
    try:
        if {"--help", "-h", "--version"} & set(arguments) or not arguments:
            app(args=arguments, prog_name="rehearsal")
        else:
            with results_only():
                app(args=arguments, prog_name="rehearsal")
    except RehearsalError as error:
        show_failure(error, as_json=as_json)
        return int(error.exit_code)
    except SystemExit as stop:
        return _ended(stop.code, as_json=as_json)
    except KeyboardInterrupt:
        return _ended(int(ExitCode.INTERRUPTED), as_json=as_json)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.FAILED)
    return int(ExitCode.DONE)
