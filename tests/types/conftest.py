"""The programs here are read by the type checker (and the accepted ones run) in tests/test_types.py and
tests/test_type_checkers.py."""
from __future__ import annotations

collect_ignore_glob = ["accept/*", "reject/*", "portable.py"]
