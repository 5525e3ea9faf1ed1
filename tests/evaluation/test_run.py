"""The whole comparison, with a real server of tiny models and a judge over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from agents.endpoint import check_endpoint
from agents.line import close_line
from corpus.files import read_nouns, write_nouns
from domain.errors import EndpointError, EvaluationError, TrustError
from domain.progress import silent
from domain.record import HeldOutContext, Origin
from domain.runfolder import RunFolder
from domain.settings import EngineSettings, EvaluationSettings, RoleSettings, Settings
from domain.turn import Speaker, Turn
from domain.verdict import Answer, Verdict
from evaluation.candidates.builtin import serving
from evaluation.candidates.key import KEY_ENV
from evaluation.candidates.models import BASE, Group
from evaluation.candidates.roles import local_role
from evaluation.run import evaluate
from evaluation.summary import CONTROLS
from tests.support.threaded import ThreadedServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Judge:
    """Scores a reply by its length, and breaks every answer about scenario 3."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.key = ""

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/v1/models", self.models)
        app.router.add_post("/v1/chat/completions", self.complete)
        return app

    def refuses(self, request: web.Request) -> bool:
        return bool(self.key) and request.headers.get("Authorization") != f"Bearer {self.key}"

    async def models(self, request: web.Request) -> web.Response:
        if self.refuses(request):
            raise web.HTTPUnauthorized
        return web.json_response({"data": [{"id": "judge"}]})

    def said(self, body: dict[str, Any], case: str) -> dict[str, Any]:
        """Answer in the form that is asked for; of two replies the first is always better."""
        if "response_format" not in body:
            return {"not": "speech"}
        schema = body["response_format"]["json_schema"]["schema"]
        if "better" in schema["properties"]:
            return {"reason": "First.", "better": "first"}
        inner = schema.get("$defs", {})
        if "Answers" in inner:
            answers = {key: key == "required" for key in inner["Answers"]["properties"]}
            return {"reason": "Asked.", "quote": "", "answers": answers}
        score = 1 + len(case.split("# Reply to rate")[-1]) % 5
        marks = dict.fromkeys(inner.get("Marks", {}).get("properties", {}), 1)
        plain = {"reason": "Length.", "quote": "", "score": score}
        return {**plain, "marks": marks} if marks else plain

    async def complete(self, request: web.Request) -> web.Response:
        if self.refuses(request):
            raise web.HTTPUnauthorized
        body = await request.json()
        self.bodies.append(body)
        case = body["messages"][1]["content"]
        said = self.said(body, case)
        text = "ten out of ten" if "scenario 3" in case else json.dumps(said)
        message = {"role": "assistant", "content": text}
        return web.json_response({"choices": [{"message": message, "finish_reason": "stop"}]})


@pytest.fixture
def judge() -> Judge:
    return Judge()


@pytest.fixture
def judge_url(judge: Judge) -> Iterator[str]:
    with ThreadedServer(judge.app()) as server:
        yield f"{server.url}/v1"


@pytest.fixture
def folder(tmp_path: Path, tiny_adapters: dict[str, Path]) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    for name, path in tiny_adapters.items():
        shutil.copytree(path, folder.adapters / name)
    write_nouns(folder.contexts, [context(number) for number in range(6)])
    return folder


def context(number: int) -> HeldOutContext:
    texts = ("What brings you here?", f"In scenario {number} I felt worn out at work.")
    turns = tuple(
        Turn(index=place, speaker=speaker, text=text)
        for place, (speaker, text) in enumerate(
            zip((Speaker.THERAPIST, Speaker.CLIENT), texts, strict=True)
        )
    )
    return HeldOutContext(
        record_id=f"record-{number}",
        topic="work",
        group=f"video-{number // 2}",
        origin=Origin.REAL,
        turns=turns,
        reference=f"You sound tired, number {number}.",
    )


def settings(judge_url: str, **judge: object) -> Settings:
    return Settings.model_validate(
        {
            "name": "trial",
            "engine": {"kind": "inline"},
            "roles": {
                "judge": {
                    "base_url": judge_url,
                    "model": "judge",
                    "trusted_for_real": True,
                    "retries": 0,
                    "patience_s": 0,
                    **judge,
                }
            },
            "training": {"variants": ["real", "hybrid"]},
            "evaluation": {"max_new_tokens": 12, "bootstrap_samples": 200},
        }
    )


async def check(role: RoleSettings) -> None:
    try:
        await check_endpoint(role, "candidate")
    finally:
        await close_line()


def test_every_variant_answers_every_scenario_and_is_judged_blind(
    folder: RunFolder, judge: Judge, judge_url: str, tiny_base: Path
) -> None:
    summary = evaluate(settings(judge_url), folder, tiny_base, silent)
    answers = list(read_nouns(folder.evaluation / "answers.jsonl", Answer))
    every = read_nouns(folder.evaluation / "verdicts.jsonl", Verdict)
    verdicts = [one for one in every if one.variant not in CONTROLS]
    scenarios = {context(number).id for number in range(6)}
    for variant in ("base", "real", "hybrid", "reference"):
        assert {one.scenario_id for one in answers if one.variant == variant} == scenarios
    assert len(verdicts) == 4 * 6 * 2
    assert {one.score for one in verdicts if one.score is not None} <= set(range(1, 6))
    # scenario 3 breaks the judge: counted and left out, for each of the four
    assert summary.verdict_failures == 8
    assert {mean.n for mean in summary.means} == {5}
    assert {mean.failures for mean in summary.means} == {1}
    assert [mean.variant for mean in summary.means][-1] == "reference"
    sent = json.dumps(judge.bodies)
    assert not any(word in sent for word in ("hybrid", "base", "reference", '"real'))
    # a second evaluation asks nobody again and finds the same
    calls = len(judge.bodies)
    (folder.evaluation / "serving.log").unlink()
    assert evaluate(settings(judge_url), folder, tiny_base, silent) == summary
    assert len(judge.bodies) == calls
    assert not (folder.evaluation / "serving.log").exists()


def test_real_words_go_to_no_judge_that_is_not_trusted(
    folder: RunFolder, judge: Judge, judge_url: str, tiny_base: Path
) -> None:
    with pytest.raises(TrustError, match="real people's words"):
        evaluate(settings(judge_url, trusted_for_real=False), folder, tiny_base, silent)
    assert not judge.bodies
    assert not folder.evaluation.exists()


def test_a_judge_that_is_not_there_is_named_before_a_model_is_asked(
    folder: RunFolder, tiny_base: Path
) -> None:
    with pytest.raises(EndpointError, match=r"roles\.judge"):
        evaluate(settings("http://127.0.0.1:9/v1"), folder, tiny_base, silent)
    assert not (folder.evaluation / "answers.jsonl").exists()


def test_a_judge_that_is_not_there_is_named_when_only_verdicts_are_missing(
    folder: RunFolder, judge: Judge, judge_url: str, tiny_base: Path
) -> None:
    evaluate(settings(judge_url), folder, tiny_base, silent)
    ledger = folder.evaluation / "ledger" / "judging"
    shutil.rmtree(ledger)
    before = len(judge.bodies)
    judge.key = "changed"
    with pytest.raises(EndpointError, match=r"roles\.judge"):
        evaluate(settings(judge_url), folder, tiny_base, silent)
    assert len(judge.bodies) == before
    assert not ledger.exists()


@pytest.mark.ray
def test_workers_that_started_before_have_the_keys(
    folder: RunFolder,
    judge: Judge,
    judge_url: str,
    tiny_base: Path,
    local_ray: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judge.key = "secret"
    monkeypatch.setenv("JUDGES_KEY", judge.key)
    engine = EngineSettings(kind="ray", workers=1)
    keyed = settings(judge_url, api_key_env="JUDGES_KEY").model_copy(update={"engine": engine})
    summary = evaluate(keyed, folder, tiny_base, silent)
    assert set(summary.answer_failures.values()) == {0}
    assert {mean.failures for mean in summary.means} == {1}  # scenario 3, as above


def test_a_server_of_models_asks_for_a_key_that_is_gone_afterwards(
    folder: RunFolder, tiny_base: Path
) -> None:
    group = Group(BASE, str(tiny_base))
    with serving(group, folder.evaluation / "serving.log") as server:
        key = os.environ[KEY_ENV]
        role = local_role(server.base_url(), "base", EvaluationSettings())
        asyncio.run(check(role))
        with pytest.raises(EndpointError, match="NOT_SET_ANYWHERE is not set"):
            asyncio.run(check(role.model_copy(update={"api_key_env": "NOT_SET_ANYWHERE"})))
    assert KEY_ENV not in os.environ
    assert key not in (folder.evaluation / "serving.log").read_text()


def test_a_missing_adapter_is_named(folder: RunFolder, judge_url: str, tiny_base: Path) -> None:
    shutil.rmtree(folder.adapters / "hybrid")
    with pytest.raises(EvaluationError, match="hybrid"):
        evaluate(settings(judge_url), folder, tiny_base, silent)


def test_no_scenarios_are_named(folder: RunFolder, judge_url: str, tiny_base: Path) -> None:
    folder.contexts.unlink()
    with pytest.raises(EvaluationError, match="no scenarios"):
        evaluate(settings(judge_url), folder, tiny_base, silent)


@pytest.mark.slow
def test_a_base_that_cannot_be_served_is_told_in_the_servers_own_words(
    folder: RunFolder, judge_url: str, tmp_path: Path
) -> None:
    with pytest.raises(EvaluationError, match="cannot be loaded"):
        evaluate(settings(judge_url), folder, tmp_path, silent)
