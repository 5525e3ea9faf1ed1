"""Learns from a blend: examples and loss masks, the worker loop, adapters, held-out losses.

The way through it: `examples` (one sequence per session, every therapist turn supervised) ->
`batches` (equal supervised tokens for every variant) -> `loop` (plain torch, any number of ranks)
-> `run` (one Ray Train run per variant, side by side) -> `adapter` (a PEFT folder with its card)
-> `heldout` (loss on real turns nobody was trained on). `base` makes the tiny offline base.
"""
