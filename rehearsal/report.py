"""`rehearsal report`: write the report again from what a run holds."""

from __future__ import annotations

from rehearsal.options import JsonOption, RunOption, TargetArgument, find_target


def report(target: TargetArgument, run_dir: RunOption = None, as_json: JsonOption = False) -> None:
    """Write report.html and its figures from the run's verdicts; no model is asked."""
    from evaluation.report import write_report
    from rehearsal.console import emit_json, say

    settings, folder = find_target(target, run_dir)
    page = write_report(settings, folder)
    if as_json:
        emit_json({"report": str(page)})
    else:
        say(f"Report: {page}")
