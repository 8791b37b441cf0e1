"""Which stubs there are, each with its table."""

from __future__ import annotations

from pathlib import Path

from tools.stubs import array, fft, functions, lax, linalg, package, random, special, transforms
from tools.stubs.package import Table
from tools.stubs.signature import ROOT, path_of

__all__ = ["ROOT", "texts"]

TABLES = {
    "lantern.numpy": Table(
        "`lantern.numpy` as type checkers see it: shapes and element types of each function.",
        functions.RULES,
        protocols=functions.PROTOCOL_OF,
    ),
    "lantern.lax": Table(
        "`lantern.lax` as type checkers see it: shapes and element types of each primitive.",
        lax.RULES,
        variables=lax.VARIABLES,
        imports=(
            "from collections.abc import Callable, Hashable",
            "from _typeshed import DataclassInstance",
            "from lantern.lax.operands import ArrayLike",
        ),
    ),
    "lantern.numpy.linalg": Table(
        "`lantern.numpy.linalg` as type checkers see it: shapes and element types of each function.", linalg.RULES
    ),
    "lantern.numpy.fft": Table(
        "`lantern.numpy.fft` as type checkers see it: shapes and element types of each transform.", fft.RULES
    ),
    "lantern.scipy.linalg": Table(
        "`lantern.scipy.linalg` as type checkers see it: shapes and element types of each function.", linalg.SCIPY
    ),
    "lantern.scipy.special": Table(
        "`lantern.scipy.special` as type checkers see it: shapes and element types of each function.", special.RULES
    ),
    "lantern.scipy.stats.norm": Table(
        "`lantern.scipy.stats.norm` as type checkers see it: arguments of one shape, or numbers.", special.NORM
    ),
    "lantern.nn": Table(
        "`lantern.nn` as type checkers see it: shapes and element types of each function.", functions.NN
    ),
    "lantern.random": Table(
        "`lantern.random` as type checkers see it: shapes and element types of each draw.",
        random.RULES,
        constants=random.CONSTANTS,
    ),
    "lantern.api": Table(
        "The transforms as type checkers see them: what they make of a function's type.",
        transforms.RULES,
        variables=transforms.VARIABLES,
        imports=transforms.IMPORTS,
    ),
}


def texts() -> dict[Path, str]:
    """The text of every stub, by its path."""
    modules = {array.MODULE: array.text(), **{name: package.text(name, table) for name, table in TABLES.items()}}
    return {path_of(module).with_suffix(".pyi"): text for module, text in modules.items()}
