"""Whether a mixed batch computes what PEFT computes for each adapter alone, in float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from benchmarks.serving.laps import CLIENTS, requests
from evaluation.serving.loading import load_models
from evaluation.serving.requests import ChatRequest, parse_request
from evaluation.serving.sampling import Row, make_row

if TYPE_CHECKING:
    from benchmarks.serving.bases import Base
    from evaluation.serving.models import ServedModels


def logits_max_diff(base: Base) -> float:
    """Return the largest difference of any logit, over all clients' first requests.

    One side is our batch of all clients, each with its adapter; the other is PEFT's own layers on a
    base loaded anew for each adapter, one request at a time without padding.
    """
    models = load_models(base.folder, base.adapters, device="cpu", precision="float32")
    rows = [_row(models, parse_request(requests(client)[0])) for client in range(CLIENTS)]
    together = models.logits(rows)
    worst = 0.0
    for name, path in base.adapters.items():
        plain: Any = AutoModelForCausalLM.from_pretrained(base.folder, dtype=torch.float32)
        alone: Any = PeftModel.from_pretrained(plain, str(path)).eval()
        for index, row in enumerate(rows):
            if row.model == name:
                with torch.inference_mode():
                    expected = alone(input_ids=torch.tensor([row.prompt])).logits[0, -1]
                worst = max(worst, float((together[index] - expected).abs().max()))
    return worst


def _row(models: ServedModels, request: ChatRequest) -> Row:
    return make_row(request.model, models.encode(request.messages), request.sampling, 1)
