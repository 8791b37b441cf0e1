"""What an editor shows: pyright's language server asked over its protocol, as editors ask it.

    python -m tools.editor FILE LINE:COLUMN ...     prints the hover text at each place, and how long the answer took

Lines and columns count from 1.
"""
from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, cast

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said, and after how many seconds."""

    text: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One report: its line, pyright's rule, the text."""

    line: int
    rule: str
    message: str


class Editor:
    """A language server with one folder open.

    `settings` are pyright's, as in its configuration file, which is written into the folder.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.folder = folder
        (folder / "pyrightconfig.json").write_text(json.dumps(dict(settings)), encoding="utf-8")
        self._server = subprocess.Popen(
            [sys.executable, "-m", "pyright.langserver", "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, cwd=folder)
        self._number = 0
        self._reports: dict[str, list[Json]] = {}
        self._ask("initialize", {
            "processId": None, "rootUri": folder.as_uri(),
            "workspaceFolders": [{"uri": folder.as_uri(), "name": folder.name}],
            "capabilities": {"textDocument": {"hover": {"contentFormat": ["plaintext"]}, "publishDiagnostics": {},
                                              "completion": {"completionItem": {}}},
                             "workspace": {"configuration": True, "workspaceFolders": True}}})
        self._tell("initialized", {})

    def __enter__(self) -> Editor:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._server.kill()
        self._server.communicate()

    def open(self, path: Path) -> None:
        """Show a file to the server."""
        self._tell("textDocument/didOpen", {"textDocument": {
            "uri": path.as_uri(), "languageId": "python", "version": 1, "text": path.read_text(encoding="utf-8")}})

    def diagnostics(self, path: Path) -> tuple[list[Diagnostic], float]:
        """What is reported of an open file, and the seconds until it was."""
        start = time.perf_counter()
        while path.as_uri() not in self._reports:
            self._read()
        found = self._reports[path.as_uri()]
        return [Diagnostic(d["range"]["start"]["line"] + 1, d.get("code", ""), d["message"]) for d in found
                if d.get("severity") == 1], time.perf_counter() - start

    def hover(self, path: Path, line: int, column: int) -> Answer:
        """The text that appears over a name; empty if there is none."""
        start = time.perf_counter()
        result = self._ask("textDocument/hover", self._place(path, line, column))
        seconds = time.perf_counter() - start
        return Answer("" if result is None else str(result["contents"]["value"]).strip(), seconds)

    def completions(self, path: Path, line: int, column: int) -> tuple[list[str], float]:
        """The names that are offered."""
        start = time.perf_counter()
        result = self._ask("textDocument/completion", self._place(path, line, column))
        items = cast("list[Json]", (result or {"items": []})["items"])
        return [str(item["label"]) for item in items], time.perf_counter() - start

    @staticmethod
    def _place(path: Path, line: int, column: int) -> Json:
        return {"textDocument": {"uri": path.as_uri()}, "position": {"line": line - 1, "character": column - 1}}

    def _tell(self, method: str, params: Json) -> None:
        self._write({"jsonrpc": "2.0", "method": method, "params": params})

    def _ask(self, method: str, params: Json) -> Any:
        self._number += 1
        self._write({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        while True:
            message = self._read()
            if message.get("id") == self._number and "method" not in message:
                if "error" in message:
                    raise RuntimeError(f"the language server refused {method}: {message['error']}")
                return message["result"]

    def _write(self, message: Json) -> None:
        body = json.dumps(message).encode()
        assert self._server.stdin is not None
        self._server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._server.stdin.flush()

    def _read(self) -> Json:
        """The next message; what the server asks is answered, what it reports is kept."""
        assert self._server.stdout is not None
        size = 0
        while line := self._server.stdout.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                size = int(value)
        if size == 0:
            raise RuntimeError("the language server is gone")
        message: Json = json.loads(self._server.stdout.read(size))
        if message.get("method") == "textDocument/publishDiagnostics":
            self._reports[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "id" in message and "method" in message:
            items: Sequence[Any] = message.get("params", {}).get("items", ())
            result = [{"pythonPath": sys.executable} if i.get("section") == "python" else None for i in items]
            self._write({"jsonrpc": "2.0", "id": message["id"],
                         "result": result if message["method"] == "workspace/configuration" else None})
        return message


def main(arguments: Sequence[str]) -> None:
    """Print what is shown at places of a file."""
    path = Path(arguments[0]).resolve()
    settings = {"pythonVersion": "3.11", "typeCheckingMode": "strict", "extraPaths": [str(Path.cwd())]}
    with Editor(path.parent, settings) as editor:
        editor.open(path)
        for place in arguments[1:]:
            line, _, column = place.partition(":")
            answer = editor.hover(path, int(line), int(column))
            print(f"{place}  {answer.seconds * 1000:.0f} ms  {answer.text}")


if __name__ == "__main__":
    main(sys.argv[1:])
