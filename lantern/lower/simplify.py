"""Jaxpr -> Jaxpr before kernels: jit equations inlined, equal equations shared, scalar arithmetic done, dead ones gone.

Only rewrites that hold for NaN, infinities and -0.0: none of them looks at what an operation means, save by running
its own `impl` on literals. Copies that change nothing (a convert to the same dtype, a transpose that moves nothing) are
found by `build`, from their kernels. The jaxprs of loops and branches are simplified when they are lowered.
"""
from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np

from lantern.trace.jaxpr import Atom, Eqn, Jaxpr, Literal, Var, has_effect, param_key
from lantern.trace.primitive import Alias, Inline, Rewritten, Structured


def simplify(jaxpr: Jaxpr) -> Jaxpr:
    """The same function with fewer equations; each keeps the source of the user's line."""
    walk = _Simplifier()
    for v in jaxpr.invars:
        walk.env[v] = v
    walk.equations(jaxpr.eqns)
    outvars = tuple([walk.read(a) for a in jaxpr.outvars])
    return prune(Jaxpr(jaxpr.invars, tuple(walk.eqns), outvars))


def prune(jaxpr: Jaxpr) -> Jaxpr:
    """Without equations that no output and no effect depends on; what is left of loops and branches does no more than
    is needed, either."""
    live: set[Atom] = set(jaxpr.outvars)
    same: dict[Atom, Atom] = {}
    kept: list[Eqn] = []
    for e in reversed(jaxpr.eqns):
        used = [v in live for v in e.outvars]
        if not any(used) and not has_effect(e):
            continue
        lower = e.primitive.lower
        if isinstance(lower, Structured) and lower.prune is not None:
            e, given = lower.prune(e, used, _remembered)
            for v, a in given.items():
                same[v] = a
                if v in live:
                    live.add(a)
        if e.outvars or has_effect(e):
            kept.append(e)
            live.update(e.invars)

    def read(a: Atom) -> Atom:
        while a in same:
            a = same[a]
        return a

    eqns = tuple([Eqn(e.primitive, tuple([read(a) for a in e.invars]), e.params, e.outvars, e.source) if same else e
                  for e in reversed(kept)])
    return Jaxpr(jaxpr.invars, eqns, tuple([read(a) for a in jaxpr.outvars]))


_inner: WeakKeyDictionary[Jaxpr, Jaxpr] = WeakKeyDictionary()


def _remembered(jaxpr: Jaxpr) -> Jaxpr:
    """`simplify` of what a loop holds: loops around it ask several times."""
    found = _inner.get(jaxpr)
    if found is None:
        found = _inner[jaxpr] = simplify(jaxpr)
    return found


@dataclass(slots=True)
class _Simplifier:
    env: dict[Var, Atom] = field(default_factory=dict[Var, Atom])
    eqns: list[Eqn] = field(default_factory=list[Eqn])
    seen: dict[Hashable, tuple[Var, ...]] = field(default_factory=dict[Hashable, "tuple[Var, ...]"])

    def read(self, atom: Atom) -> Atom:
        return atom if isinstance(atom, Literal) else self.env[atom]

    def equations(self, eqns: Sequence[Eqn]) -> None:
        for eqn in eqns:
            invars = tuple([self.read(a) for a in eqn.invars])
            lower = eqn.primitive.lower
            if lower is Inline.SUBJAXPR:
                self.inline(eqn, eqn.params["jaxpr"], invars)
            elif isinstance(lower, Rewritten):
                self.inline(eqn, lower.rule([a.aval for a in invars], **eqn.params), invars)
            elif lower is Alias.OPERAND and invars[0].aval.shape == eqn.outvars[0].aval.shape:
                self.env[eqn.outvars[0]] = invars[0]
            elif has_effect(eqn) or lower is Alias.FENCE:
                self.emit(eqn, invars)
            elif isinstance(lower, Structured) or not self.folded(eqn, invars):     # a loop is not run here
                self.shared(eqn, invars)

    def inline(self, eqn: Eqn, inner: Jaxpr, invars: tuple[Atom, ...]) -> None:
        """A jaxpr's equations in place of the call; its variables get new meanings at each call."""
        outer = self.env
        self.env = dict(zip(inner.invars, invars, strict=True))
        self.equations(inner.eqns)
        outs = [self.read(a) for a in inner.outvars]
        self.env = outer
        outer.update(zip(eqn.outvars, outs, strict=True))

    def folded(self, eqn: Eqn, invars: tuple[Atom, ...]) -> bool:
        """A scalar function of literals is a literal."""
        values = [a.value for a in invars if isinstance(a, Literal)]
        if not values or len(values) != len(invars) or any(v.aval.shape for v in eqn.outvars):
            return False
        with np.errstate(all="ignore"):
            outs = eqn.primitive.impl(*[np.asarray(v) for v in values], **eqn.params)
        for v, out in zip(eqn.outvars, outs, strict=True):
            self.env[v] = Literal(np.asarray(out)[()], v.aval)
        return True

    def shared(self, eqn: Eqn, invars: tuple[Atom, ...]) -> None:
        """An equation that was computed before is not computed again."""
        params = eqn.params
        key = (eqn.primitive, tuple([a.key if isinstance(a, Literal) else a for a in invars]),
               tuple([(k, param_key(params[k])) for k in sorted(params)]) if params else ())
        old = self.seen.get(key)
        if old is None:
            self.seen[key] = self.emit(eqn, invars)
        else:
            self.env.update(zip(eqn.outvars, old, strict=True))

    def emit(self, eqn: Eqn, invars: tuple[Atom, ...]) -> tuple[Var, ...]:
        """New variables, since an inlined equation may occur several times."""
        outvars = tuple([Var(v.aval) for v in eqn.outvars])
        self.eqns.append(Eqn(eqn.primitive, invars, eqn.params, outvars, eqn.source))
        self.env.update(zip(eqn.outvars, outvars, strict=True))
        return outvars
