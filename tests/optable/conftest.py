"""Not collected by itself: it defines an operation by name, and collecting would import it a second time."""
from __future__ import annotations

collect_ignore = ["extend.py"]
