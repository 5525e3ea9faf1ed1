"""Stands in for the `vllm` executable: takes its command line, and answers as much as is asked.

`VLLM_STANDIN` says how it fares: `ok`, `dies`, `silent` (never healthy) or `forgets` (lists no
adapter). What it was started with goes to the file named by `VLLM_STANDIN_NOTES`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

HOW = os.environ.get("VLLM_STANDIN", "ok")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="vllm")
    verbs = parser.add_subparsers(required=True)
    serve = verbs.add_parser("serve")
    serve.add_argument("model")
    serve.add_argument("--served-model-name")
    serve.add_argument("--host")
    serve.add_argument("--port", type=int)
    serve.add_argument("--generation-config")
    serve.add_argument("--enable-lora", action="store_true")
    serve.add_argument("--max-loras", type=int)
    serve.add_argument("--max-lora-rank", type=int, choices=(1, 8, 16, 32, 64, 128, 256, 320, 512))
    serve.add_argument("--lora-modules", nargs="*", default=[])
    serve.add_argument("--gpu-memory-utilization", type=float)
    serve.add_argument("--max-model-len", type=int)
    return parser.parse_args()


class Handler(BaseHTTPRequestHandler):
    asked = 0
    models: tuple[str, ...] = ()

    def do_GET(self) -> None:
        if self.path == "/health":
            Handler.asked += 1
            # a real one needs a while
            self.answer(503 if HOW == "silent" or Handler.asked < 3 else 200, {})
        elif not self.known():
            self.answer(401, {"error": {"message": "Unauthorized"}})
        else:
            self.answer(200, {"data": [{"id": name} for name in self.models]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self.known():
            self.answer(401, {"error": {"message": "Unauthorized"}})
            return
        message = {"role": "assistant", "content": f"I am {body['model']}."}
        usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        self.answer(200, {"model": body["model"], "choices": [choice], "usage": usage})

    def known(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {os.environ['VLLM_API_KEY']}"

    def answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None: ...


def main() -> None:
    asked = parse()
    # as vLLM keeps its engine in a process beside
    engine = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    if notes := os.environ.get("VLLM_STANDIN_NOTES"):
        quiet = {name: os.environ.get(name) for name in ("VLLM_NO_USAGE_STATS", "HF_HUB_OFFLINE")}
        said = {"words": sys.argv[1:], "pids": [os.getpid(), engine.pid], **quiet}
        Path(notes).write_text(json.dumps(said), encoding="utf-8")
    if HOW == "dies":
        time.sleep(0.2)
        sys.exit("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.")
    adapters = [] if HOW == "forgets" else [one.partition("=")[0] for one in asked.lora_modules]
    Handler.models = (asked.served_model_name, *adapters)
    HTTPServer((asked.host, asked.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
