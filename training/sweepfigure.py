"""The sweep as a figure: loss on real sessions over the share of synthetic ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from training.sweep import Sweep

NAMES = ("sweep.svg", "sweep.png")
INK, FAINT, LINE, SEED = "#1b1b1f", "#8a8a92", "#0072B2", "#E69F00"
"""Blue and orange of Okabe and Ito's palette (2008), told apart by all kinds of colour vision; the
marks differ in shape as well."""
WIDTH, HEIGHT = 6.6, 3.9
"""Inches."""


def draw_sweep(sweep: Sweep, folder: Path) -> list[Path]:
    """Write sweep.svg and sweep.png to `folder`; the same sweep gives the same bytes."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    style: dict[Any, Any] = {"font.size": 9, "svg.hashsalt": "rehearsal", "svg.fonttype": "path"}
    with mpl.rc_context(style):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        _fill(figure.add_subplot(), sweep)
        paths = []
        for name in NAMES:
            when = {"Date": None} if name.endswith("svg") else {"Software": None}
            figure.savefig(folder / name, dpi=150, metadata=when)
            paths.append(folder / name)
    return paths


def _fill(axes: Any, sweep: Sweep) -> None:  # noqa: ANN401 - matplotlib's Axes
    shares = [one.share for one in sweep.points]
    values = [one.loss.value for one in sweep.points]
    reach = [
        [one.loss.value - one.loss.low for one in sweep.points],
        [one.loss.high - one.loss.value for one in sweep.points],
    ]
    axes.errorbar(
        shares, values, yerr=reach, color=LINE, marker="o", markersize=6, capsize=4,
        label="mean, 95% interval over sessions and seeds", zorder=3,
    )  # fmt: skip
    spread = max(1.0, (max(shares) - min(shares)) / 60)
    for number in range(len(sweep.seeds)):
        aside = [share + spread * (number + 1) for share in shares]
        axes.scatter(
            aside, [one.by_seed[number] for one in sweep.points], color=SEED, marker="^", s=26,
            edgecolor=INK, linewidth=0.5, label="one seed" if number == 0 else None, zorder=4,
        )  # fmt: skip
    for one in sweep.points:
        axes.annotate(
            f"{one.real_sessions} real\n{one.synthetic_sessions} syn.",
            (one.share, 0.02), xycoords=("data", "axes fraction"), ha="center", va="bottom",
            fontsize=7.5, color=INK,
        )  # fmt: skip
    low, high = axes.get_ylim()
    axes.set_ylim(low - 0.18 * (high - low), high)  # room for the labels
    axes.set_xticks(shares, [f"{share}%" for share in shares])
    axes.set_xlabel("synthetic share of the sessions that were learned from")
    axes.set_ylabel("held-out loss, nats per token")
    axes.set_title(
        f"Loss on real sessions (n = {sweep.held_out_sessions} sessions, "
        f"{sweep.held_out_tokens:,} tokens; {len(sweep.seeds)} seeds; lower is better)\n"
        f"{sweep.supervised_tokens:,} supervised tokens each; "
        f"the untrained base has {sweep.base_loss.value:.2f}",
        fontsize=9, loc="left", color=INK,
    )  # fmt: skip
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color=FAINT, alpha=0.25)
    axes.legend(frameon=False, fontsize=8, loc="best")
