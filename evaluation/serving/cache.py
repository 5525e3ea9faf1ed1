"""Keys and values of what was read, with room for what will be written.

transformers' own layer copies the whole cache for every token it appends. This one copies into
room that is already there, which takes a fifth off a step of 8 rows (docs/evaluation.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transformers.cache_utils import DynamicCache, DynamicLayer

if TYPE_CHECKING:
    import torch

ROOM = 64
"""Tokens that are appended before the cache is copied again."""


class RoomyLayer(DynamicLayer):  # type: ignore[no-untyped-call]  # theirs
    """One layer's keys and values, [B, H, L, D] views of buffers that are longer than L."""

    _keys: torch.Tensor
    _values: torch.Tensor

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: object, **__: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append [B, H, l, D] and return all there is."""
        before = self.get_seq_length()
        after = before + key_states.shape[-2]
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        if before == 0 or after > self._keys.shape[-2]:
            self._keys = self._grown(self.keys, key_states, before, after)
            self._values = self._grown(self.values, value_states, before, after)
        self._keys[:, :, before:after] = key_states
        self._values[:, :, before:after] = value_states
        self.keys, self.values = self._keys[:, :, :after], self._values[:, :, :after]
        return self.keys, self.values

    @staticmethod
    def _grown(
        old: torch.Tensor | None, like: torch.Tensor, before: int, after: int
    ) -> torch.Tensor:
        batch, heads, _, width = like.shape
        new = like.new_empty(batch, heads, after + ROOM, width)
        if old is not None and before:
            new[:, :, :before] = old
        return new


def roomy_cache(config: Any) -> DynamicCache:  # noqa: ANN401 - transformers' configs share no type
    """Return an empty cache; layers of another kind (sliding windows, say) stay as they are."""
    cache = DynamicCache(config=config)
    roomy: Any = RoomyLayer
    cache.layers = [roomy() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache
