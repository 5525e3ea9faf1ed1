"""Whole models, models of others and vLLM in one comparison with the base and its adapters."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from corpus.files import read_nouns, write_nouns
from domain.errors import EndpointError, TrustError
from domain.progress import silent
from domain.runfolder import RunFolder
from domain.settings import Settings
from domain.verdict import Answer
from evaluation.report import write_report
from evaluation.run import evaluate
from tests.evaluation.test_run import Judge, context
from tests.support import vllm_standin
from tests.support.threaded import ThreadedServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Elsewhere:
    """A model behind somebody's endpoint, with a key."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/v1/models", self.models)
        app.router.add_post("/v1/chat/completions", self.complete)
        return app

    async def models(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "Bearer their key":
            raise web.HTTPUnauthorized
        return web.json_response({"data": [{"id": "large"}]})

    async def complete(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.bodies.append(body)
        message = {"role": "assistant", "content": "What was that like for you?"}
        return web.json_response({"choices": [{"message": message, "finish_reason": "stop"}]})


@pytest.fixture
def elsewhere() -> Elsewhere:
    return Elsewhere()


@pytest.fixture
def hosted(elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    monkeypatch.setenv("THEIR_KEY", "their key")
    with ThreadedServer(elsewhere.app()) as server:
        yield {
            "base_url": f"{server.url}/v1", "model": "large", "api_key_env": "THEIR_KEY",
            "trusted_for_real": True, "retries": 0, "patience_s": 0, "max_tokens": 99,
        }  # fmt: skip


@pytest.fixture
def judge_url() -> Iterator[str]:
    with ThreadedServer(Judge().app()) as server:
        yield f"{server.url}/v1"


@pytest.fixture
def folder(tmp_path: Path, tiny_base: Path, tiny_adapters: dict[str, Path]) -> RunFolder:
    """A run with an adapter and a variant that was trained whole."""
    folder = RunFolder(tmp_path / "run")
    shutil.copytree(tiny_adapters["real"], folder.adapters / "real")
    shutil.copytree(tiny_base, folder.adapters / "hybrid")
    write_nouns(folder.contexts, [context(number) for number in range(3)])
    return folder


def settings(judge_url: str, **evaluation: object) -> Settings:
    judge = {"base_url": judge_url, "model": "judge", "trusted_for_real": True, "retries": 0}
    return Settings.model_validate(
        {
            "name": "trial",
            "engine": {"kind": "inline"},
            "roles": {"judge": judge},
            "training": {"variants": ["real", "hybrid"]},
            "evaluation": {
                "max_new_tokens": 8, "bootstrap_samples": 200, "controls": False, **evaluation
            },
        }
    )  # fmt: skip


def answers(folder: RunFolder) -> dict[str, list[str]]:
    said: dict[str, list[str]] = {}
    for one in read_nouns(folder.evaluation / "answers.jsonl", Answer):
        said.setdefault(one.variant, []).append(one.text or one.failure)
    return said


def test_whole_models_and_models_elsewhere_join_the_comparison(
    folder: RunFolder,
    tiny_base: Path,
    tiny_adapters: dict[str, Path],
    judge_url: str,
    hosted: dict[str, Any],
    elsewhere: Elsewhere,
) -> None:
    asked = settings(
        judge_url, models={"tuned": str(tiny_adapters["hybrid"])}, hosted={"large": hosted}
    )
    summary = evaluate(asked, folder, tiny_base, silent)
    said = answers(folder)
    assert summary.variants == ("base", "real", "tuned", "hybrid", "large")
    assert list(said) == [*summary.variants, "reference"]
    assert set(summary.answer_failures.values()) == {0}
    # the whole model is a copy of the base: it is served by itself and says the same
    assert said["hybrid"] == said["base"] != said["real"]
    assert said["large"] == ["What was that like for you?"] * 3
    assert summary.hosted == {"large": "large at 127.0.0.1"}
    assert {body["max_tokens"] for body in elsewhere.bodies} == {99}
    assert {body["temperature"] for body in elsewhere.bodies} == {0.7}
    assert "large" in write_report(asked, folder).read_text(encoding="utf-8")
    # another model elsewhere asks nobody anew
    more = asked.evaluation.model_copy(
        update={"hosted": {**asked.evaluation.hosted, "again": asked.evaluation.hosted["large"]}}
    )
    (folder.evaluation / "serving.log").unlink()
    again = evaluate(asked.model_copy(update={"evaluation": more}), folder, tiny_base, silent)
    assert again.variants[-2:] == ("large", "again")
    assert len(elsewhere.bodies) == 6
    assert not (folder.evaluation / "serving.log").exists()


def test_real_words_go_to_no_model_elsewhere_that_is_not_trusted(
    folder: RunFolder,
    tiny_base: Path,
    judge_url: str,
    hosted: dict[str, Any],
    elsewhere: Elsewhere,
) -> None:
    asked = settings(judge_url, hosted={"large": {**hosted, "trusted_for_real": False}})
    with pytest.raises(TrustError, match="real people's words") as raised:
        evaluate(asked, folder, tiny_base, silent)
    assert raised.value.where == "evaluation.hosted.large.trusted_for_real"
    assert not elsewhere.bodies
    assert not folder.evaluation.exists()


def test_a_model_elsewhere_that_refuses_the_key_is_named_before_models_are_loaded(
    folder: RunFolder, tiny_base: Path, judge_url: str, hosted: dict[str, Any]
) -> None:
    asked = settings(judge_url, hosted={"large": {**hosted, "api_key_env": "NOT_SET_ANYWHERE"}})
    with pytest.raises(EndpointError, match=r"evaluation\.hosted\.large"):
        evaluate(asked, folder, tiny_base, silent)
    assert not (folder.evaluation / "serving.log").exists()


def test_vllm_serves_the_whole_comparison(
    folder: RunFolder,
    tiny_base: Path,
    judge_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    binary = tmp_path / "bin" / "vllm"
    binary.parent.mkdir()
    binary.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{vllm_standin.__file__}" "$@"\n')
    binary.chmod(0o755)
    monkeypatch.setenv("PATH", f"{binary.parent}{os.pathsep}{os.environ['PATH']}")
    evaluate(settings(judge_url, server="vllm"), folder, tiny_base, silent)
    said = answers(folder)
    assert {name: set(texts) for name, texts in said.items() if name != "reference"} == {
        name: {f"I am {name}."} for name in ("base", "real", "hybrid")
    }
    # the whole model has a server of its own, on the same GPU
    logs = [
        (folder.evaluation / name).read_text() for name in ("serving.log", "serving-hybrid.log")
    ]
    assert all("--gpu-memory-utilization 0.450" in text for text in logs)
    assert ["--enable-lora" in text for text in logs] == [True, False]
    assert json.loads((folder.evaluation / "summary.json").read_text())["answers"] == 9
