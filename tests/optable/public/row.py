"""What a row of a public function is: a call of it by its public name, and the same in NumPy."""
from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import lantern

R = np.random.default_rng(4)
U = R.uniform(0.2, 0.9, (3, 4)).astype(np.float32)                      # in the domain of every inverse function
W = R.uniform(1.2, 1.9, (3, 4)).astype(np.float32)
S = ((R.permutation(12) - 5.7) * 0.3).reshape(3, 4).astype(np.float32)  # no two alike, no kinks near
V = ((R.permutation(5) - 1.8) * 0.4).astype(np.float32)
M = (R.normal(size=(4, 4)) + 4 * np.eye(4)).astype(np.float32)
P = (M @ M.T).astype(np.float32)                                        # positive definite
N = R.integers(-9, 10, (3, 4)).astype(np.int32)
K = R.integers(0, 4, 5).astype(np.int32)
B = R.integers(0, 2, (3, 4)).astype(bool)
C = (U + 1j * S).astype(np.complex64)
ODD = np.float32([1, np.nan, np.inf, -np.inf, 0])


@dataclass(frozen=True, slots=True)
class Public:
    """One public name.

    module, name    as seen from `lantern`; the module "Array" stands for methods of its arguments
    call            (module, *args) -> result; it must ask the module for the name (a method: its argument)
    twin            (*args) -> the same by other means, in NumPy
    smooth          its derivative is compared with differences
    mapped          it is compiled under vmap, too; not where sizes depend on values or arguments are no arrays
    """

    module: str
    name: str
    call: Callable[..., Any]
    twin: Callable[..., Any]
    args: tuple[Any, ...] = ()
    smooth: bool = False
    mapped: bool = True
    tolerance: float = 2e-5


def room(path: str) -> Any:
    """The module (or class) of a row, from its path below `lantern`."""
    if path == "lantern":
        return lantern
    if path.startswith("Array"):
        x = lantern.numpy.zeros(1)
        return type(x if path == "Array" else x.at[0])
    found: Any = lantern
    for name in path.split("."):
        if not hasattr(found, name):
            importlib.import_module(f"{found.__name__}.{name}")
        found = getattr(found, name)
    return found


@dataclass(frozen=True, slots=True)
class Holds:
    """A twin that is no value: what must be true of the result, as a NumPy array."""

    of: Callable[[Any], bool]

    def __call__(self, *_: Any) -> Any:
        """There is no value to compare with."""
        raise NotImplementedError


class Asked:
    """A module that notes which names it is asked for."""

    def __init__(self, path: str) -> None:
        self.module, self.names = room(path), set[str]()

    def __getattr__(self, name: str) -> Any:
        self.names.add(name)
        return getattr(self.module, name)


def same(module: str, names: str, *args: Any, aka: dict[str, str] | None = None, room: Any = np, smooth: bool = False,
         mapped: bool = True, tolerance: float = 2e-5, **settings: Any) -> list[Public]:
    """Functions that NumPy has under the same name, or under that of `aka`."""
    def one(name: str) -> Public:
        twin = getattr(room, (aka or {}).get(name, name))
        return Public(module, name, lambda m, *xs: getattr(m, name)(*xs, **settings),
                      lambda *xs: twin(*xs, **settings), args, smooth, mapped and bool(args), tolerance)

    return [one(name) for name in names.split()]


def one(module: str, name: str, call: Callable[..., Any], *args: Any, twin: Callable[..., Any] | None = None,
        room: Any = np, smooth: bool = False, mapped: bool = True, tolerance: float = 2e-5) -> Public:
    """A call that reads the same for NumPy, or has another twin."""
    method = module.startswith("Array")
    by_numpy = twin or (call if method else lambda *xs: call(room, *xs))
    return Public(module, name, call, by_numpy, args, smooth, mapped and bool(args), tolerance)


def told(module: str, name: str, call: Callable[..., Any], wanted: Any, *args: Any) -> Public:
    """A call whose answer is known, on arguments that are no arrays."""
    return Public(module, name, call, lambda *_: wanted, args, mapped=False)


def drawn(name: str, holds: Callable[[Any], bool], *args: Any, **settings: Any) -> Public:
    """A draw of `lantern.random` from one key, and what must be true of it."""
    def call(m: Any) -> Any:
        return getattr(m, name)(lantern.random.key(7), *args, **settings)

    return Public("random", name, call, Holds(holds), mapped=False)


def bound(row: Public, asked: Asked | None = None) -> Callable[..., Any]:
    """The call as a function of its arrays."""
    if row.module.startswith("Array"):
        return lambda x, *rest: row.call(lantern.numpy.asarray(x) if isinstance(x, np.ndarray) else x, *rest)
    module = asked or Asked(row.module)
    return lambda *xs: row.call(module, *xs)
