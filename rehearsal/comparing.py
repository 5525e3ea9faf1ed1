"""`rehearsal corpus compare`: how synthetic sessions differ from real ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.errors import CompareError, ExitCode
from rehearsal.options import JsonOption, find_target, present

if TYPE_CHECKING:
    from corpus.compare.result import Comparison, Measured, PairName
    from domain.settings import CompareSettings, Settings

_AUCS = {
    "utterance_auc": "therapist turns",
    "client_auc": "client turns",
    "session_auc": "sessions",
}


def compare(
    real: Annotated[
        Path,
        typer.Argument(
            metavar="REAL",
            help="Transcripts, a run's folder, or its real.jsonl. Alone: a run, whose own "
            "real and synthetic sessions are compared.",
        ),
    ],
    synthetic: Annotated[
        Path | None,
        typer.Argument(
            metavar="[SYNTHETIC]",
            help="The same kinds, or a run's synthetic.jsonl or sessions.jsonl.",
        ),
    ] = None,
    other: Annotated[
        Path | None, typer.Option("--other", help="Another real corpus, for scale.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="A run file, for corpus.compare and seed.")
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(help="A sentence encoder: a local folder, or a package that holds one."),
    ] = None,
    canaries: Annotated[
        Path | None, typer.Option(help="Sentences planted in REAL, one to a line.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of samples, folds and resamples.")] = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="Folder for compare.json and the figures (default: in runs/)."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Hold synthetic sessions against real ones, beside how far real ones are from each other.

    Ends with exit 3 where a threshold of corpus/data/compare.yaml, or of the run file, is not met.
    """
    from rehearsal.console import emit_json

    if synthetic is None:
        found, folder = _own(str(real), seed, encoder)
    else:
        named = {"REAL": real, "SYNTHETIC": synthetic, "--other": other, "--canaries": canaries}
        for where, path in named.items():
            if path is not None:
                present(path, where)
        asked = _settings(config, encoder)
        found = _compare(real, synthetic, other, canaries, asked, seed)
        folder = to or _place(real, synthetic)
        _keep(found, folder)
    if as_json:
        figures = sorted(str(path) for path in folder.rglob("*.svg"))
        failed = [check.name for check in found.failed]
        emit_json({**found.model_dump(mode="json"), "failed": failed, "figures": figures})
    else:
        show_comparison(found, folder)
    if not found.passed:
        raise typer.Exit(int(ExitCode.GATE_NOT_MET))


def _settings(config: Path | None, encoder: str | None) -> Settings:
    from domain.settings import Settings
    from rehearsal.runfile import load_settings

    settings = load_settings(config) if config else Settings(name="compare")
    return _with_encoder(settings, encoder)


def _with_encoder(settings: Settings, encoder: str | None) -> Settings:
    if encoder is None:
        return settings
    asked = settings.corpus.compare.model_copy(update={"encoder": encoder})
    corpus = settings.corpus.model_copy(update={"compare": asked})
    return settings.model_copy(update={"corpus": corpus})


def _own(target: str, seed: int | None, encoder: str | None) -> tuple[Comparison, Path]:
    """Compare a run's own records.

    Raises:
        CompareError: It has too few of one kind.
    """
    from corpus.compare.store import compare_run
    from rehearsal.writing import writing

    settings, folder = find_target(target)
    settings = _with_encoder(settings, encoder)
    if seed is not None:
        settings = settings.model_copy(update={"seed": seed})
    with writing(folder):
        found = compare_run(settings, folder)
    if found is None:
        raise CompareError(
            "the run has too few sessions of one kind to compare",
            where=str(folder.root),
            expected="signed real records and accepted synthetic ones, 20 therapist turns of each",
            mend="Ingest and sign transcripts and play a campaign, or name both sides.",
        )
    return found, folder.comparison_figures


def _compare(
    real: Path,
    synthetic: Path,
    other: Path | None,
    canaries: Path | None,
    settings: Settings,
    seed: int | None,
) -> Comparison:
    from corpus.compare.compare import compare as hold_against
    from corpus.compare.side import read_side
    from corpus.compare.store import read_canaries

    asked: CompareSettings = settings.corpus.compare
    drawn = settings.seed if seed is None else seed
    reading = settings.corpus.reading
    first = read_side(real, "real", asked.sessions, drawn, reading)
    second = read_side(synthetic, "synthetic", asked.sessions, drawn, reading)
    third = read_side(other, "real", asked.sessions, drawn, reading) if other else None
    planted = read_canaries(canaries) if canaries else ()
    return hold_against(first, second, asked, drawn, other=third, canaries=planted)


def _place(real: Path, synthetic: Path) -> Path:
    from rehearsal.runs import runs_root

    names = (real.resolve().stem, synthetic.resolve().stem)
    return runs_root() / f"compare-{names[0]}-{names[1]}"


def _keep(found: Comparison, folder: Path) -> None:
    from corpus.compare.figures import draw_figures
    from corpus.files import write_text

    write_text(folder / "compare.json", found.model_dump_json(indent=2) + "\n")
    draw_figures(found, folder)


def show_comparison(found: Comparison, folder: Path) -> None:
    """Print distances, each side, what failed and why, and the most telling turns where it did."""
    from rehearsal.console import say, tell
    from rehearsal.wording import counted

    _show_pairs(found)
    say()
    _show_sides(found)
    say()
    for check in found.checks:
        mark = "✓" if check.passed else "✗"
        name = f"{check.label}: " if check.label else ""
        say(f"{mark} {name}{check.name} {check.value:.4g}, {check.sense} {check.limit:g}")
        if not check.passed:
            tell(f"    {check.because}", "    ")
    if not found.passed:
        missed = ", ".join(check.name for check in found.failed)
        of_all = f"{len(found.failed)} of {counted(len(found.checks), 'threshold')}"
        tell(
            f"{of_all} not met, so this ends with exit code 3: {missed}."
            " Limits of your own: corpus.compare.thresholds."
        )
        _show_examples(found)
    say(f"Figures: {folder}")


def _show_pairs(found: Comparison) -> None:
    from rich.table import Table

    from rehearsal.console import show

    names: dict[PairName, str]
    names = {"half": "its other half", "other": "other real", "synthetic": "synthetic"}
    kept = [name for name in names if name in found.pairs]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("real against")
    for name in kept:
        table.add_column(names[name], justify="right", no_wrap=True)
    pairs = [found.pairs[name] for name in kept]
    for key, label in _AUCS.items():
        table.add_row(f"AUC, {label}", *(_shown(getattr(pair, key)) for pair in pairs))
    table.add_row("MMD² (p)", *(f"{one.mmd2.value:.4f} ({one.mmd2.p:.3f})" for one in pairs))
    table.add_row("MAUVE", *(f"{one.mauve:.2f}" for one in pairs))
    table.add_row("near-duplicates", *(f"{one.near_duplicates:.1%}" for one in pairs))
    table.add_row("8-grams in real", *(f"{one.copied.share:.3%}" for one in pairs))
    table.add_row("longest passage", *(f"{one.copied.longest} words" for one in pairs))
    show(table)


def _shown(one: Measured | None) -> str:
    return f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]" if one else "too few groups"


def _show_sides(found: Comparison) -> None:
    from rich.table import Table

    from rehearsal.console import show

    kept = [name for name in ("real", "other", "synthetic") if name in found.sides]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(f"each side, n = {found.sides['real'].n} turns")
    for name in kept:
        table.add_column(name, justify="right", no_wrap=True)
    sides = [found.sides[name] for name in kept]
    table.add_row("sessions", *(f"{one.sessions:,}" for one in sides))
    for label, key in (("Vendi", "vendi"), ("self-BLEU", "self_bleu"), ("MATTR", "mattr")):
        table.add_row(label, *(f"{getattr(one, key):.3g}" for one in sides))
    for size in ("distinct-1", "distinct-2", "distinct-3"):
        table.add_row(size, *(f"{one.distinct[size]:.3f}" for one in sides))
    for key in sides[0].behaviours:
        row = [one.behaviours[key] for one in sides]
        cells = (f"{one.value:.2f} [{one.low:.2f}, {one.high:.2f}]" for one in row)
        table.add_row(key.replace("_", " "), *cells)
    show(table)


def _show_examples(found: Comparison) -> None:
    from rehearsal.console import say

    say("What gives the synthetic side away, most telling first:")
    for one in found.examples:
        said: Any = one.text or "(real, not shown)"
        say(f"  {one.session} [{one.turn}] {', '.join(one.words)}: {said}")
