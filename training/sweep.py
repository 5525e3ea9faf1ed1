"""How the loss on real sessions moves with the share of synthetic ones in what is learned.

A series of blends from none to all synthetic, the same for several seeds, every one trained on as
many tokens in as many steps, and all measured on the same held-out real sessions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from corpus.files import write_text
from corpus.series import blend_sweep, series_name, sweep_folder
from domain.base import Noun
from domain.errors import ConfigError, TrainingError
from domain.progress import Progress, silent
from training.card import write_card
from training.heldout import as_model, held_out_examples, losses_under
from training.models import hush, load_tokenizer
from training.run import train_blends

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from domain.runfolder import RunFolder
    from domain.settings import Settings
    from training.heldout import ModelLoss

RESULT_FILE, TABLE_FILE = "sweep.json", "sweep.md"
STAGE = "sweep: held-out loss"
CONFIDENCE = 0.95


class Interval(Noun):
    """A value with its 95% interval."""

    value: float
    low: float
    high: float


class SharePoint(Noun):
    """One share of synthetic sessions, over all seeds; losses in nats per token."""

    share: int
    """Percent of the blend's sessions."""
    real_sessions: int
    """Lines of the first seed's blend, repeats counted."""
    synthetic_sessions: int
    distinct: int
    epochs: float
    """How often the first seed's blend was gone through."""
    loss: Interval
    against_first: Interval
    """Difference to the first share, on the same sessions and seeds; 0 for the first itself."""
    by_seed: tuple[float, ...]


class Sweep(Noun):
    """A series of blends and what was learned from each."""

    base: str
    base_loss: Interval
    seeds: tuple[int, ...]
    held_out_sessions: int
    held_out_tokens: int
    supervised_tokens: int
    steps: int
    bootstrap_samples: int
    points: tuple[SharePoint, ...]


def run_sweep(
    settings: Settings,
    folder: RunFolder,
    base: Path | str,
    shares: Sequence[int],
    seeds: int,
    progress: Progress = silent,
) -> Sweep:
    """Blend, train and measure every share with `seeds` seeds; write sweep.json and sweep.md.

    The seeds are the run's own and those after it. What is trained already is kept.

    Raises:
        ConfigError: Shares that are no percentages, or no seed.
        BlendError: A share has nothing to draw from.
        TrainingError: The base or a blend cannot be used, or a run failed.
        StoreError: The run's folder cannot be written.
    """
    hush()
    _check(seeds)
    into = sweep_folder(folder)
    chosen = tuple(range(settings.seed, settings.seed + seeds))
    blends, summaries = blend_sweep(settings, folder, shares, seeds), {}
    for seed in chosen:
        names = [series_name(share, seed) for share in shares]
        seeded = settings.model_copy(update={"seed": seed})
        summaries.update(train_blends(seeded, into, base, names, progress))
        for name in names:
            write_card(settings.training, into, name)
    losses = _measure(settings, into, str(base), list(summaries), progress)
    first = next(iter(summaries.values()))
    samples = settings.evaluation.bootstrap_samples
    tokens = np.array([one.tokens for one in losses["base"].records], dtype=np.float64)
    sums = {share: [losses[series_name(share, seed)] for seed in chosen] for share in shares}
    arrays = {share: np.array([_sums(one) for one in models]) for share, models in sums.items()}
    rng = np.random.default_rng((settings.seed, len(tokens)))
    draws = Draws(rng, samples, len(chosen), len(tokens))
    points = []
    for share in shares:
        made = blends[series_name(share, chosen[0])]
        points.append(
            SharePoint(
                share=share,
                real_sessions=made.real_sessions,
                synthetic_sessions=made.synthetic_sessions,
                distinct=made.distinct,
                epochs=summaries[series_name(share, chosen[0])].epochs,
                loss=draws.interval(arrays[share], tokens),
                against_first=draws.interval(arrays[share] - arrays[shares[0]], tokens),
                by_seed=tuple(one.mean for one in sums[share]),
            )
        )
    result = Sweep(
        base=first.base,
        base_loss=draws.interval(np.tile(_sums(losses["base"]), (len(chosen), 1)), tokens),
        seeds=chosen,
        held_out_sessions=len(tokens),
        held_out_tokens=int(tokens.sum()),
        supervised_tokens=first.supervised_tokens,
        steps=first.steps,
        bootstrap_samples=samples,
        points=tuple(points),
    )
    write_text(into.root / RESULT_FILE, result.model_dump_json(indent=2) + "\n")
    write_text(into.root / TABLE_FILE, table_of(result))
    return result


class Draws:
    """Bootstrap draws over sessions and over seeds at once (Efron, 1979; percentile intervals).

    All values are drawn on the same sessions and seeds, so differences are paired. Few seeds give
    few different draws: an interval over three seeds shows their spread, not much more.
    """

    def __init__(self, rng: np.random.Generator, samples: int, seeds: int, sessions: int) -> None:
        """Draw `samples` times, with replacement, how often each seed and session counts."""
        self._seeds = rng.multinomial(seeds, [1 / seeds] * seeds, size=samples) / seeds
        self._sessions = rng.multinomial(sessions, [1 / sessions] * sessions, size=samples)

    def interval(self, sums: NDArray[np.float64], tokens: NDArray[np.float64]) -> Interval:
        """Return nats per token of `sums` [seeds, sessions], each session by its `tokens`."""
        drawn = ((self._seeds @ sums) * self._sessions).sum(axis=1) / (self._sessions @ tokens)
        low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
        value = sums.mean(axis=0).sum() / tokens.sum()
        return Interval(value=float(value), low=float(low), high=float(high))


def table_of(sweep: Sweep) -> str:
    """Return the sweep as a Markdown table."""
    first = sweep.points[0].share
    head = (
        f"Held-out loss, nats per token, on {sweep.held_out_sessions} real sessions"
        f" ({sweep.held_out_tokens:,} tokens); {len(sweep.seeds)} seeds;"
        f" {sweep.supervised_tokens:,} supervised tokens in {sweep.steps} steps each;"
        f" 95% intervals over sessions and seeds.\n\n"
        f"| synthetic | sessions real + synthetic | epochs | loss | difference to {first}% |"
        " by seed |\n|---|---|---|---|---|---|\n"
        f"| base, untrained | | | {_shown(sweep.base_loss)} | | |\n"
    )
    rows = [
        f"| {one.share}% | {one.real_sessions} + {one.synthetic_sessions} | {one.epochs:.2f} |"
        f" {_shown(one.loss)} |"
        f" {_shown(one.against_first, '+.3f') if one.share != first else ''} |"
        f" {', '.join(f'{value:.3f}' for value in one.by_seed)} |\n"
        for one in sweep.points
    ]
    return head + "".join(rows)


def _shown(interval: Interval, form: str = ".3f") -> str:
    return f"{interval.value:{form}} ({interval.low:{form}} to {interval.high:{form}})"


def _check(seeds: int) -> None:
    if seeds < 1:
        raise ConfigError("no seed, no training", where="--seeds", expected="1 or more", got="0")


def _measure(
    settings: Settings, into: RunFolder, base: str, names: Sequence[str], progress: Progress
) -> dict[str, ModelLoss]:
    tokenizer = load_tokenizer(base)
    examples = held_out_examples(tokenizer, into, settings.training)
    if not examples:
        raise TrainingError(
            "there is nothing to measure on",
            where=str(into.held_out),
            expected="held-out real sessions with therapist turns",
            got="none",
            mend="Raise corpus.held_out_share, or add transcripts.",
        )
    losses = {}
    for done, name in enumerate(["base", *names]):
        progress(STAGE, done, len(names) + 1, name)
        trained = None if name == "base" else into.adapters / name
        losses[name] = as_model(name, examples, losses_under(base, trained, examples))
    progress(STAGE, len(names) + 1, len(names) + 1)
    return losses


def _sums(model: ModelLoss) -> NDArray[np.float64]:
    return np.array([one.loss_sum for one in model.records], dtype=np.float64)
