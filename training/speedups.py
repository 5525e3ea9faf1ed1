"""What a larger base may need or gain from; each is off unless the run file asks for it."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from domain.errors import TrainingError
from training.sharding import layers_of

if TYPE_CHECKING:
    from domain.settings import TrainingSettings


def before_adapting(model: Any, settings: TrainingSettings) -> None:  # noqa: ANN401 - any causal LM
    """Put Liger's kernels (norms, rotary embeddings, gated units) into the base, if asked for.

    Its fused loss is not used: ours computes logits only where a loss is taken.

    Raises:
        TrainingError: They are not installed, or do not know this kind of base.
    """
    if not settings.liger:
        return
    if importlib.util.find_spec("liger_kernel") is None:
        raise TrainingError(
            "Liger's kernels are not installed",
            where="training.liger: true",
            expected="the package liger-kernel, which needs a GPU",
            mend="pip install liger-kernel, or set training.liger: false.",
        )
    liger = importlib.import_module("liger_kernel.transformers.monkey_patch")
    known = liger.MODEL_TYPE_TO_APPLY_LIGER_FN
    if model.config.model_type not in known:
        raise TrainingError(
            "Liger has no kernels for this base",
            where="training.liger: true",
            expected="one of " + ", ".join(sorted(known)),
            got=model.config.model_type,
            mend="Set training.liger: false.",
        )
    liger._apply_liger_kernel_to_instance(
        model=model, fused_linear_cross_entropy=False, cross_entropy=False
    )


def after_adapting(model: Any, settings: TrainingSettings) -> None:  # noqa: ANN401 - see above
    """Checkpoint activations and compile the decoder layers, as asked for.

    Raises:
        TrainingError: The base cannot do so.
    """
    if settings.activation_checkpointing:
        try:
            model.gradient_checkpointing_enable({"use_reentrant": False})
        except ValueError as error:
            raise TrainingError(
                "this base cannot checkpoint its activations",
                where="training.activation_checkpointing: true",
                got=str(error),
                mend="Set training.activation_checkpointing: false, and lower"
                " training.batch_tokens if memory runs out.",
            ) from error
    if settings.compile:
        for layer in layers_of(model):
            layer.compile(dynamic=True)
