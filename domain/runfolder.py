"""Where a run keeps things: the names of its files, and nothing about what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class RunFolder:
    """The layout of `runs/<name>/`."""

    root: Path

    @property
    def config(self) -> Path:
        """The effective run file."""
        return self.root / "config.yaml"

    @property
    def lock(self) -> Path:
        """Held by the process that writes to the run."""
        return self.root / "run.lock"

    @property
    def plan(self) -> Path:
        """JSONL of `PlanItem`: who plays what."""
        return self.root / "plan.jsonl"

    @property
    def cast(self) -> Path:
        """JSONL of `CastMember`, in plan order: who is cast, to be read, edited and used again."""
        return self.root / "cast.jsonl"

    @property
    def casting(self) -> Path:
        """Folder of the casting's ledger, where a model writes the personas."""
        return self.root / "casting"

    @property
    def refills(self) -> Path:
        """JSON: how many lines of the plan were dealt, and how many each refill added."""
        return self.root / "refills.json"

    @property
    def coverage(self) -> Path:
        """JSON: `CoverageTable`, as it was when the campaign ended."""
        return self.root / "coverage.json"

    @property
    def ledger(self) -> Path:
        """Folder of the campaign's ledger shards."""
        return self.root / "ledger"

    @property
    def sessions(self) -> Path:
        """JSONL of `Session`, in plan order; the campaign's export."""
        return self.root / "sessions.jsonl"

    @property
    def live(self) -> Path:
        """JSON: how the run that writes here stands, about once a second."""
        return self.root / "live.json"

    @property
    def cancel(self) -> Path:
        """An empty file that asks the run to drain; the run removes it."""
        return self.root / "cancel"

    @property
    def quarantine(self) -> Path:
        """JSONL of real `Record`s that nobody has signed for."""
        return self.root / "corpus" / "quarantine.jsonl"

    @property
    def review(self) -> Path:
        """Markdown for the person who signs: what was replaced, in context."""
        return self.root / "corpus" / "review.md"

    @property
    def sign_off(self) -> Path:
        """JSON: who signed for which records, and when."""
        return self.root / "corpus" / "sign-off.json"

    @property
    def real(self) -> Path:
        """JSONL of signed-off real `Record`s."""
        return self.root / "corpus" / "real.jsonl"

    @property
    def synthetic(self) -> Path:
        """JSONL of accepted synthetic `Record`s."""
        return self.root / "corpus" / "synthetic.jsonl"

    @property
    def comparison(self) -> Path:
        """JSON of `corpus.compare.result.Comparison`: how synthetic differs from real."""
        return self.root / "corpus" / "compare.json"

    @property
    def comparison_figures(self) -> Path:
        """Folder of the comparison's figures, each as SVG and PNG."""
        return self.root / "corpus" / "compare"

    @property
    def discriminator(self) -> Path:
        """safetensors: what tells this round's sessions from real ones; reads the next round's."""
        return self.root / "corpus" / "discriminator.safetensors"

    @property
    def earlier_discriminator(self) -> Path:
        """The round before's, which reads the drafts of this one: a copy, kept for resuming."""
        return self.root / "corpus" / "earlier-discriminator.safetensors"

    @property
    def rounds(self) -> Path:
        """JSON: how well each round up to this one was told from real sessions."""
        return self.root / "corpus" / "rounds.json"

    @property
    def expert_reviews(self) -> Path:
        """JSONL of what experts said of records in Argilla or Label Studio."""
        return self.root / "corpus" / "expert-reviews.jsonl"

    @property
    def forgotten(self) -> Path:
        """JSON: ids and hashes of records that were taken out on request, none of their words."""
        return self.root / "corpus" / "forgotten.json"

    @property
    def exports(self) -> Path:
        """JSON: the folders outside the run that something of it was exported to."""
        return self.root / "corpus" / "exports.json"

    @property
    def held_out(self) -> Path:
        """JSONL of real `Record`s kept out of every blend."""
        return self.root / "corpus" / "held-out.jsonl"

    @property
    def contexts(self) -> Path:
        """JSONL of `HeldOutContext`: the scenarios of the evaluation."""
        return self.root / "corpus" / "contexts.jsonl"

    def blend(self, variant: str) -> Path:
        """Folder of one variant's blend: messages.jsonl, records.parquet, manifest, card."""
        return self.root / "blends" / variant

    @property
    def adapters(self) -> Path:
        """Folder of adapters, one PEFT folder per variant."""
        return self.root / "adapters"

    @property
    def training(self) -> Path:
        """Folder of training logs and checkpoints, one folder per variant."""
        return self.root / "training"

    @property
    def evaluation(self) -> Path:
        """Folder of answers, verdicts, the judging ledger, summary and figures."""
        return self.root / "evaluation"

    @property
    def report(self) -> Path:
        """The report, one self-contained page."""
        return self.root / "report.html"
