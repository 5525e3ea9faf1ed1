"""How another trainer is set up, and the set-ups that are tried."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace


@dataclass(frozen=True)
class Dressing:
    """The settings of TRL or transformers that change speed and not what is learned."""

    trainer: str
    """`trl` or `transformers`."""
    rows: int = 1
    """`per_device_train_batch_size`; accumulation makes up the step."""
    attention: str = "sdpa"
    """`attn_implementation`."""
    packed: int = 0
    """Length of a packed row (`packing`, strategy `bfd`) in lengths of the longest sequence; 0 for
    no packing. A shorter row would cut sequences."""
    padding_free: bool = False
    sampling: str = "sequential"
    """`train_sampling_strategy`: `sequential` keeps our order."""
    optimizer: str = "fused"
    """`fused` or `foreach` AdamW."""
    workers: int = 0
    """`dataloader_num_workers`."""
    threads: int = 1
    liger: bool = False
    """`use_liger_kernel`."""

    def __str__(self) -> str:
        layout = f"packed to {self.packed} × longest" if self.packed else "padded"
        extras = [
            "padding-free" if self.padding_free else "",
            self.sampling if self.sampling != "sequential" else "",
            self.optimizer if self.optimizer != "fused" else "",
            f"{self.workers} loaders" if self.workers else "",
            f"{self.threads} threads" if self.threads != 1 else "",
            "Liger" if self.liger else "",
        ]
        return ", ".join(
            [f"{layout}, {self.rows} a batch, {self.attention}", *filter(None, extras)]
        )

    def said(self) -> dict[str, object]:
        """The fields, for a JSON document."""
        return asdict(self)


def candidates(kind: str, *, quick: bool = False) -> list[Dressing]:
    """Set-ups of one kind of leg to choose the fastest from."""
    if kind == "trl_bfd":
        return _packed(quick=quick)
    plain = Dressing("transformers" if kind == "transformers" else "trl")
    tried = [plain, replace(plain, rows=2), replace(plain, rows=4)]
    if quick:
        return tried
    tried += [replace(plain, rows=4, sampling="group_by_length"), replace(plain, attention="eager")]
    if kind == "trl_padded":
        tried += [replace(plain, rows=2, padding_free=True), replace(plain, optimizer="foreach")]
        tried += [replace(plain, workers=1), replace(plain, threads=2)]
    return tried


def _packed(*, quick: bool) -> list[Dressing]:
    plain = Dressing("trl", packed=1, sampling="random")
    tried = [plain, replace(plain, packed=2)]
    if quick:
        return tried
    tried += [replace(plain, rows=2), replace(plain, packed=4)]
    tried += [replace(plain, attention="eager"), replace(plain, threads=2)]
    return tried
