"""Runs pyright over a folder, and says by line what it reports."""
from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lantern

ROOT = Path(lantern.__file__).parents[1]
SETTINGS = {
    "pythonVersion": "3.11", "typeCheckingMode": "strict", "extraPaths": [str(ROOT)], "reportMissingTypeStubs": False,
    "reportUnusedExpression": False, "reportUnnecessaryTypeIgnoreComment": "error",
}


@dataclass
class Report:
    """What pyright said of one file: errors (rule and message) and revealed types, by line."""

    errors: dict[int, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    revealed: dict[int, str] = field(default_factory=dict)


Reports = dict[str, Report]


def checked(folder: Path, settings: Mapping[str, Any] = SETTINGS, seconds: float = 300) -> Reports:
    """One run over all files of a folder; the reports by file name."""
    folder = folder.resolve()
    (folder / "pyrightconfig.json").write_text(json.dumps(dict(settings)), encoding="utf-8")
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "-p", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.stdout.startswith("{"), f"pyright did not run:\n{done.stdout}\n{done.stderr}"
    found: Reports = defaultdict(Report)
    for d in json.loads(done.stdout)["generalDiagnostics"]:
        report, line = found[Path(d["file"]).relative_to(folder).as_posix()], d["range"]["start"]["line"] + 1
        if d["severity"] == "error":
            report.errors[line].append((d.get("rule", ""), d["message"]))
        elif shown := re.match(r'Type of ".*?" is "(.*)"$', d["message"], re.DOTALL):
            report.revealed[line] = shown[1]
    return found
