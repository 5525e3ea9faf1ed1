"""The program: gathers the verbs, runs one, and ends with the right exit code."""

from __future__ import annotations

import os
import sys

import typer

from domain.errors import ExitCode, RehearsalError
from rehearsal import (
    __version__,
    campaign,
    corpus_verbs,
    demo,
    doctor,
    evaluate,
    report,
    trace,
    train,
    understudy_verb,
)

app = typer.Typer(
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
app.add_typer(campaign.app, name="campaign")
app.add_typer(trace.app, name="trace")
app.add_typer(corpus_verbs.app, name="corpus")
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("report")(report.report)
app.command("doctor")(doctor.doctor)


def silence_telemetry() -> None:
    """Switch off what dependencies would report; a value the user set is left alone."""
    for variable, value in {
        "RAY_USAGE_STATS_ENABLED": "0",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
        "LANGSMITH_TRACING": "false",
        "TOKENIZERS_PARALLELISM": "false",
    }.items():
        os.environ.setdefault(variable, value)


def main() -> None:
    """Run the command line and exit."""
    silence_telemetry()
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    from rehearsal.console import results_only, show_failure, stderr

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
        return stop.code if isinstance(stop.code, int) else int(ExitCode.DONE)
    except KeyboardInterrupt:
        stderr().print("Stopped. What was done is kept; resume with the same run.")
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.FAILED)
    return int(ExitCode.DONE)
