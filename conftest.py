"""What holds for tests and doctests alike.

Tests that name no device mean the CPU, also where there is a GPU. lantern is imported before pytest collects its
modules for their doctests: it would load each of them a second time.
"""
from __future__ import annotations

import os

os.environ.setdefault("LANTERN_DEVICE", "cpu")

import lantern as lantern
