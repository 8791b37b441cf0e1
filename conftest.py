"""Imports lantern before pytest collects its modules for their doctests: it would load each of them a second time."""
from __future__ import annotations

import lantern as lantern
