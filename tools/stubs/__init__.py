"""Writes the `.pyi` stubs of lantern from tables of shapes: `python -m tools.stubs`."""

from __future__ import annotations
