"""The figures of a comparison: telling apart, distance, variety, behaviour, copying."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from corpus.compare.style import FAINT, INK, LIMIT, LOOKS, new_figure, save, styled
from domain.base import Noun

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from corpus.compare.result import Comparison, Measured, PairName

    Axes = Any

PAIRS: dict[PairName, str] = {
    "half": "real against its other half",
    "other": "real against other real",
    "synthetic": "real against synthetic",
}
SIDES = {
    "half_a": "real, one half",
    "half_b": "real, other half",
    "other": "other real",
    "real": "real",
    "synthetic": "synthetic",
}
BEHAVIOURS = {
    "words_per_therapist_turn": "words, therapist turn",
    "words_per_client_turn": "words, client turn",
    "therapist_turn_share": "therapist, of all turns",
    "therapist_talk_share": "therapist, of all words",
    "questions_per_turn": "questions a turn",
    "reflection_share": "turns that reflect",
}


class FigureNote(Noun):
    """A figure that was drawn: `<name>.svg` and `<name>.png`, and what stands under it."""

    name: str
    caption: str


def draw_figures(found: Comparison, folder: Path) -> tuple[FigureNote, ...]:
    """Write every figure to `folder`; the same comparison gives the same bytes.

    Raises:
        StoreError: A file cannot be written.
    """
    notes = []
    for name, (caption, draw) in _KINDS.items():
        with styled():
            save(draw(found), folder, name)
        notes.append(FigureNote(name=name, caption=caption))
    return tuple(notes)


def _pairs(found: Comparison) -> list[PairName]:
    return [name for name in PAIRS if name in found.pairs]


def _sides(found: Comparison) -> list[str]:
    return [name for name in SIDES if name in found.sides]


def _limit(found: Comparison, name: str) -> float | None:
    return next((check.limit for check in found.checks if check.name == name), None)


def _rows(axes: Axes, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")


def _spot(axes: Axes, look: str, value: float, place: float, label: str) -> None:
    colour, marker = LOOKS[look]
    axes.plot(value, place, marker, color=colour, markeredgecolor=INK, markeredgewidth=0.5, ms=7)
    axes.annotate(
        label, (value, place), (0, 7), textcoords="offset points", ha="center", fontsize=7.5
    )


def _bar(axes: Axes, look: str, one: Measured, place: float, form: str) -> None:
    arms = [[max(0.0, one.value - one.low)], [max(0.0, one.high - one.value)]]
    axes.errorbar(one.value, place, xerr=arms, color=LOOKS[look][0], capsize=3, lw=1.6)
    _spot(axes, look, one.value, place, format(one.value, form))


def _mark(axes: Axes, limit: float | None, sense: str) -> None:
    if limit is not None:
        axes.axvline(limit, color=LIMIT, lw=1, ls="--")
        axes.annotate(
            f"{sense} {limit:g}", (limit, 1), (2, 1), xycoords=("data", "axes fraction"),
            textcoords="offset points", fontsize=7, color=LIMIT, ha="center", va="bottom",
        )  # fmt: skip


def _telling(found: Comparison) -> Any:  # noqa: ANN401 - a Figure
    names = _pairs(found)
    figure = new_figure(1.0 + 0.48 * len(names))
    kinds = {"utterance_auc": "therapist turns", "client_auc": "client turns"}
    kinds["session_auc"] = "whole sessions"
    for axes, (kind, title) in zip(figure.subplots(1, 3), kinds.items(), strict=True):
        labels = []
        for place, name in enumerate(names):
            one = getattr(found.pairs[name], kind)
            if one is None:
                axes.text(0.5, place, "too few groups", fontsize=7.5, va="center")
            else:
                _bar(axes, name, one, place, ".3f")
            counts = f"n = {one.n[0]:,} / {one.n[1]:,}" if one else ""
            labels.append(f"{PAIRS[name]}\n{counts}" if kind == "utterance_auc" else counts)
        _rows(axes, labels)
        axes.tick_params(axis="y", labelsize=7.5)
        axes.set_xlim(0.38, 1.05)
        axes.axvline(0.5, color=FAINT, lw=0.8, ls=":")
        axes.set_title(title, pad=12)
        axes.set_xlabel("area under ROC")
    _mark(figure.axes[0], _limit(found, "utterance_auc"), "at most")
    return figure


def _distance(found: Comparison) -> Any:  # noqa: ANN401 - a Figure
    names = _pairs(found)
    figure = new_figure(1.0 + 0.44 * len(names))
    left, right = figure.subplots(1, 2)
    for place, name in enumerate(names):
        pair = found.pairs[name]
        left.plot([0, pair.mmd2.by_chance], [place, place], color=FAINT, lw=5, alpha=0.45)
        _spot(left, name, pair.mmd2.value, place, f"{pair.mmd2.value:.4f} (p = {pair.mmd2.p:.3f})")
        _spot(right, name, pair.mauve, place, f"{pair.mauve:.2f}")
    _rows(left, [PAIRS[name] for name in names])
    _rows(right, [""] * len(names))
    most = max(pair.mmd2.value for pair in found.pairs.values())
    left.set_xlim(min(0, *(p.mmd2.value for p in found.pairs.values())) - 0.1 * most, 1.35 * most)
    right.set_xlim(0, 1.02)
    left.set_title("MMD² (0 is the same)", pad=12)
    right.set_title("MAUVE (1 is the same)", pad=12)
    n = found.pairs["synthetic"].n
    figure.supxlabel(
        f"{found.encoder}, n = {n} therapist turns a side; grey: 95% of permutations", fontsize=8.5
    )
    limit = _limit(found, "mmd2")
    _mark(left, limit if limit is not None and limit < 1.3 * most else None, "at most")
    _mark(right, _limit(found, "mauve"), "at least")
    return figure


def _variety(found: Comparison) -> Any:  # noqa: ANN401 - a Figure
    names = _sides(found)
    figure = new_figure(1.1 + 0.42 * len(names))
    panels: dict[str, Callable[[Any], float]] = {
        "Vendi": lambda side: side.vendi,
        "self-BLEU": lambda side: side.self_bleu,
        "MATTR": lambda side: side.mattr,
        "distinct-2": lambda side: side.distinct["distinct-2"],
    }
    for axes, (title, value_of) in zip(figure.subplots(1, 4), panels.items(), strict=True):
        for place, name in enumerate(names):
            value = value_of(found.sides[name])
            form = ".0f" if title == "Vendi" else ".2f"
            _spot(axes, _look(name), value, place, format(value, form))
        _rows(axes, [SIDES[name] for name in names] if title == "Vendi" else [""] * len(names))
        values = [value_of(found.sides[name]) for name in names]
        pad = 0.35 * (max(values) - min(values)) or 0.1 * max(values) or 0.1
        axes.set_xlim(min(values) - pad, max(values) + pad)
        axes.set_title(title)
        axes.locator_params(axis="x", nbins=3)
    figure.supxlabel(f"n = {found.sides['real'].n} therapist turns a side", fontsize=8.5)
    return figure


def _look(side: str) -> str:
    return "other_side" if side == "other" else side


def _behaviour(found: Comparison) -> Any:  # noqa: ANN401 - a Figure
    names = _sides(found)
    figure = new_figure(1.4 + 0.72 * len(names))
    grid = figure.subplots(2, 3)
    for number, (key, title) in enumerate(BEHAVIOURS.items()):
        axes = grid[number // 3][number % 3]
        for place, name in enumerate(names):
            one = found.sides[name].behaviours[key]
            _bar(axes, _look(name), one, place, ".0f" if title.startswith("words") else ".2f")
        sizes = [f"{SIDES[name]} (n = {found.sides[name].sessions})" for name in names]
        _rows(axes, sizes if number % 3 == 0 else [""] * len(names))
        axes.set_title(title, fontsize=8.5)
        axes.margins(x=0.15)
    figure.supxlabel("mean over sessions with its 95% interval", fontsize=8.5)
    return figure


def _copying(found: Comparison) -> Any:  # noqa: ANN401 - a Figure
    names = _pairs(found)
    figure = new_figure(1.0 + 0.44 * len(names))
    panels: dict[str, tuple[str, Callable[[Any], float], str, str]] = {
        "8-grams in real": ("% of runs of 8 words", lambda p: 100 * p.copied.share, ".2f", ""),
        "longest passage": ("words in a row", lambda p: p.copied.longest, ".0f", "copied_longest"),
        "near-duplicates": ("% of sessions", lambda p: 100 * p.near_duplicates, ".1f", ""),
    }
    for axes, (title, (unit, value_of, form, check)) in zip(
        figure.subplots(1, 3), panels.items(), strict=True
    ):
        values = [value_of(found.pairs[name]) for name in names]
        for place, (name, value) in enumerate(zip(names, values, strict=True)):
            _spot(axes, name, value, place, format(value, form))
        first = title.startswith("8")
        _rows(axes, [PAIRS[name] for name in names] if first else [""] * len(names))
        axes.set_xlim(-0.08 * (max(values) or 1), 1.25 * (max(values) or 1))
        axes.set_title(title, fontsize=8.5, pad=12)
        axes.set_xlabel(unit)
        limit = _limit(found, check)
        _mark(axes, limit if limit is not None and limit < 1.2 * max(values) else None, "at most")
    return figure


_KINDS: dict[str, tuple[str, Callable[[Comparison], Any]]] = {
    "telling": (
        "How well a classifier tells two sets of sessions apart, out of fold, with 95% intervals "
        "over sessions; 0.5 is not at all, 1 always. n counts texts of either side.",
        _telling,
    ),
    "distance": (
        "How far the therapists' turns of two sets are apart. Grey: where 95% of the permutations "
        "of whole sessions lie.",
        _distance,
    ),
    "variety": (
        "How varied the therapists' turns of each set are. Vendi and MATTR: higher is more varied; "
        "self-BLEU: lower is.",
        _variety,
    ),
    "behaviour": (
        "What therapist and client do, mean over sessions with 95% intervals.",
        _behaviour,
    ),
    "copying": (
        "What stands word for word in the real sessions, beside how much two halves of them share "
        "by chance.",
        _copying,
    ),
}
