"""`rehearsal report`: write the report again from what a run holds."""

from __future__ import annotations

from rehearsal.options import JsonOption, RunOption, TargetArgument, find_target


def report(target: TargetArgument, run_dir: RunOption = None, as_json: JsonOption = False) -> None:
    """Write report.html, report.md and the figures from the run's verdicts; no model is asked."""
    from evaluation.report import write_all
    from rehearsal.console import emit_json, say

    settings, folder = find_target(target, run_dir)
    written = write_all(settings, folder)
    if as_json:
        emit_json(
            {
                "report": str(written.page),
                "markdown": str(written.markdown),
                "data": str(written.data),
                "figures": sorted(str(path) for path in written.figures.iterdir()),
                **written.report.model_dump(mode="json", exclude={"trails"}),
            }
        )
    else:
        for line in (*written.report.alarms, *written.report.answer):
            say(line)
        say(f"Report: {written.page}")
