"""Compiles WGSL in a headless Chromium, whose compiler Tint refuses more than the compiler of wgpu does."""
from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
TIMEOUT = 120.0     # seconds for all, of which an idle machine needs a twentieth
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu-sandbox", "--disable-dev-shm-usage",      # root, in a container
    "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader",
    "--no-first-run", "--no-proxy-server", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-quic",
)

PAGE = """<!doctype html><meta charset="utf-8"><title>Tint</title><script type="module">
const answer = (body) => fetch("/answer", {method: "POST", body: JSON.stringify(body)});
try {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) throw new Error("no WebGPU adapter");
  const device = await adapter.requestDevice();
  const errors = async ([name, code]) => {
    const {messages} = await device.createShaderModule({code}).getCompilationInfo();
    return [name, messages.filter((m) => m.type === "error").map((m) => ({line: m.lineNum, text: m.message}))];
  };
  const shaders = Object.entries(await (await fetch("/shaders")).json());
  await answer({errors: Object.fromEntries(await Promise.all(shaders.map(errors)))});
} catch (error) {
  await answer({failure: String(error)});
}
</script>"""


@dataclass(frozen=True, slots=True)
class Fault:
    """An error of the compiler; lines count from 1, and 0 is none."""

    line: int
    text: str


def find_chromium() -> str | None:
    """The browser's executable, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def compile_in_chromium(executable: str, shaders: Mapping[str, str]) -> dict[str, tuple[Fault, ...]]:
    """What Tint finds wrong in each shader, in one start of the browser.

    Raises RuntimeError with the browser's last words if it ends or fails, and TimeoutError if it does not answer.
    """
    with _Exchange(shaders) as exchange, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        log = Path(folder, "log")
        with _serving(exchange), _browsing(executable, exchange.address, Path(folder), log) as browser:
            answer = _wait(exchange, browser, log)
        if "errors" not in answer:
            raise RuntimeError(f"Chromium compiled nothing: {answer.get('failure')}\n{_tail(log)}")
    errors: dict[str, list[dict[str, Any]]] = answer["errors"]
    return {name: tuple([Fault(**fault) for fault in errors[name]]) for name in shaders}


class _Exchange(ThreadingHTTPServer):
    """Serves the page and the shaders to this machine only, and keeps the answer."""

    daemon_threads = True

    def __init__(self, shaders: Mapping[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = {"/": ("text/html", PAGE), "/shaders": ("application/json", json.dumps(dict(shaders)))}
        self.answers: queue.Queue[dict[str, Any]] = queue.Queue()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        kind, text = self._exchange().files.get(self.path, ("", ""))
        self._send(200 if kind else 404, kind or "text/plain", text)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._send(200, "text/plain", "")       # before the answer is used: the browser is ended then
        self._exchange().answers.put(json.loads(body))

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: pytest's output is for tests."""

    def _exchange(self) -> _Exchange:
        assert isinstance(self.server, _Exchange)
        return self.server

    def _send(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def _serving(exchange: _Exchange) -> Generator[None]:
    thread = threading.Thread(target=exchange.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        exchange.shutdown()
        thread.join()


@contextmanager
def _browsing(executable: str, address: str, folder: Path, log: Path) -> Generator[subprocess.Popen[bytes]]:
    """A browser on a page. It is the head of a process group, so that its helpers end with it."""
    command = [executable, *FLAGS, f"--user-data-dir={folder / 'profile'}", address]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("VK_")}      # it brings its own driver
    with (log.open("wb") as file,
          subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment,
                           start_new_session=True) as browser):
        try:
            yield browser
        finally:
            if browser.returncode is None:      # else its helpers have ended, and the number may be another's
                os.killpg(browser.pid, signal.SIGKILL)


def _wait(exchange: _Exchange, browser: subprocess.Popen[bytes], log: Path) -> dict[str, Any]:
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        try:
            return exchange.answers.get(timeout=0.2)
        except queue.Empty:
            if browser.poll() is not None:
                raise RuntimeError(f"Chromium ended before it answered\n{_tail(log)}") from None
    raise TimeoutError(f"Chromium did not answer within {TIMEOUT:.0f} s\n{_tail(log)}")


def _tail(log: Path) -> str:
    return log.read_text("utf-8", "replace")[-2000:]
