"""The programs in these folders are read by the type checker (and the accepted ones run) in tests/test_types.py."""
from __future__ import annotations

collect_ignore_glob = ["accept/*", "reject/*"]
