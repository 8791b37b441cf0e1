"""Operations that users define: callables over a primitive, and the functions that make them."""
from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Any

from lantern.dtypes import KEY, no_numbers
from lantern.errors import ArgumentError, CustomRuleError, ShapeError
from lantern.extend.definition import Definition, Params, Rule, check_definition, results
from lantern.extend.rules import (
    Choose,
    evaluate,
    make_primitive,
    of_definition,
    out_avals,
    rewritten,
    staged,
)
from lantern.flat import as_values
from lantern.lower.kernel import HostCall
from lantern.ops.broadcast import broadcast_in_dim_p
from lantern.ops.build import listed, scalar_like
from lantern.source import user_source
from lantern.trace.aval import ShapedArray
from lantern.trace.context import bind, bind1, typeof
from lantern.trace.jaxpr import Jaxpr, Literal
from lantern.trace.primitive import BatchRule, Linear, Primitive, Structured, SubLowering, Value
from lantern.trace.staging import with_line
from lantern.tracebacks import boundary
from lantern.transforms.jit import run_impl


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """What `primitive`, `elementwise`, `linear` and `wgsl_kernel` return: a function of arrays.

    Operands are arrays or numbers, keywords are static parameters (hashable; they reach every rule). Works under `jit`,
    `vmap` and inside of loops, and under `grad` as far as it has derivative rules.
    """

    definition: Definition
    primitive: Primitive
    fixed: Params = field(default_factory=dict[str, Any])
    prepare: Callable[[Definition, Sequence[Any]], Sequence[Any]] | None = None

    @property
    def __name__(self) -> str:
        return self.definition.name

    def __repr__(self) -> str:
        return repr(self.definition)

    def __call__(self, *operands: Any, **params: Any) -> Any:
        """The result, or a tuple of results, as the shape rule says."""
        return boundary(self._located)(operands, params)

    def _located(self, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """The call; what is wrong with a rule is said with the line that called."""
        try:
            return self._call(operands, params)
        except CustomRuleError as error:
            head, dot, cure = str(error).partition(". ")
            source = user_source()
            if ", at " in head or source is None:
                raise
            raise CustomRuleError(f"{head}, at {source}{dot}{cure}") from None

    def _call(self, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        d = self.definition
        _check_call(d, operands, params)
        if self.prepare is not None:
            operands = tuple(self.prepare(d, operands))
        values = as_values(operands, lambda: [f"operand {k}" for k in range(len(operands))], d.name)
        arrays = [_array(x) for x in values]
        for x in arrays:
            if typeof(x).dtype is KEY:
                raise no_numbers(d.name, f"got {typeof(x)}")
        outs = bind(self.primitive, *arrays, **self.fixed, **params)
        return outs[0] if results(d, [typeof(x) for x in arrays], params)[1] else tuple(outs)


def _array(x: Value) -> Value:
    return bind1(broadcast_in_dim_p, x, shape=(), dims=()) if type(x) is Literal else x


_signature = lru_cache(maxsize=512)(inspect.signature)


def _check_call(d: Definition, operands: Sequence[Any], params: Params) -> None:
    signature = _signature(d.abstract)
    try:
        signature.bind(*operands, **params)
    except TypeError as error:
        raise TypeError(f"{d.place}: {error}; its operands and parameters are those of its shape rule, {signature}"
                        ) from None
    for name, value in params.items():
        try:
            hash(value)
        except TypeError:
            raise ArgumentError(f"{d.place}: the parameter {name} is static and must be hashable, got {value!r}. Pass "
                                "a tuple instead of a list, or make it an operand") from None


def primitive(name: str, *, abstract: Rule, impl: Rule, lower: Rule | None = None,
              jvp: Rule | Sequence[Rule | None] | None = None, vjp: Rule | None = None, transpose: Rule | None = None,
              batch: BatchRule | None = None) -> Operation:
    """A new operation with all of its rules in one place.

    Rules speak of one example; `vmap` is derived from them. Operands come as positional arguments, static parameters
    as keywords. Where the shape rule gives one result, rules give one array and see one; else tuples.

    name       an identifier that no other primitive has
    abstract   `(avals..., **params)` -> the result's type: an aval, or `lantern.ShapeDtypeStruct(shape, dtype)`
    impl       `(NumPy arrays..., **params)` -> NumPy arrays: the truth; runs on the host where there is no `lower`
    lower      `(arrays..., **params)` -> arrays, with lantern's functions: what is compiled and fused, on every device
    jvp        `(primals, out, tangents, **params)` -> tangent of the result, linear in the tangents. Or a tuple with
               one rule (or None) an operand, `(tangent, out, *primals, **params)`, whose results are added
    vjp        `(primals, out, cotangent, **params)` -> one cotangent (or None) an operand, where there is no `jvp`:
               reverse mode only
    transpose  `(cotangent, *operands, **params)` -> one cotangent (or None) an operand, for operations that a
               derivative rule calls; operands in question are `Linear(aval)`. Without `jvp`, the operation is linear
               in its first operand
    batch      `(axis, args, dims, **params)` -> `(results, dims)`, in place of the derived rule

    Raises ArgumentError for a bad name and ValueError for one that is taken, TypeError for rules that are missing or
    are no functions. A rule that a transform needs and that is not there raises NotDifferentiableError, which names
    it; a rule whose result is not what the shape rule promised raises CustomRuleError.

    >>> import numpy as np
    >>> import lantern, lantern.numpy as jnp
    >>> cube = primitive("doc_cube", abstract=lambda x: x, impl=lambda x: x * x * x, lower=lambda x: x * x * x,
    ...                  jvp=lambda primals, out, tangents: 3 * primals[0] ** 2 * tangents[0])
    >>> float(cube(2.0)), float(lantern.grad(cube)(2.0)), lantern.vmap(cube)(jnp.arange(3.0)).tolist()
    (8.0, 12.0, [0.0, 1.0, 8.0])
    """
    d = check_definition(Definition(name, "lantern.extend.primitive", user_source(), abstract, impl, lower, jvp, vjp,
                                    transpose))
    return _operation(d, batch)


def _operation(d: Definition, batch: BatchRule | None = None) -> Operation:
    choose = of_definition(d)
    lower = on_host(choose) if d.lower is None else rewritten(choose)
    return Operation(d, make_primitive(d.name, choose, lower, batch))


def on_host(choose: Choose) -> Structured:
    """The lowering by a call of the NumPy rule."""
    def rule(avals: Sequence[ShapedArray], lower: SubLowering, **params: Any) -> HostCall:
        d, layers, known = choose(params)
        wanted = tuple(out_avals(d, layers, known, avals))
        return HostCall(partial(_evaluated, d, layers, known), tuple([a.strong() for a in avals]), wanted, d.name)

    return Structured(rule)


def _evaluated(d: Definition, layers: Any, params: Params, *arrays: Any) -> Sequence[Any]:
    return evaluate(d, layers, params, arrays)


def elementwise(name: str, function: Rule, derivatives: Sequence[Rule | None] = ()) -> Operation:
    """An operation that works on each element alone, written with lantern's functions, with a derivative of its own.

    Operands have one shape and one dtype; Python numbers beside arrays adopt the dtype. The derivative of operand k is
    `derivatives[k](tangent, out, *operands)`, linear in the tangent, or None where it is zero; without any the
    operation cannot be differentiated.

    Raises ShapeError for operands of different shapes or dtypes.

    >>> import lantern, lantern.numpy as jnp
    >>> softplus = elementwise("doc_softplus", lambda x: jnp.logaddexp(x, 0.0),
    ...                        [lambda g, y, x: g / (1.0 + jnp.exp(-x))])
    >>> round(float(lantern.grad(softplus)(0.0)), 6)
    0.5
    """
    made = _by_function(name, "lantern.extend.elementwise", function, tuple(derivatives) or None, None)
    return replace(made, prepare=_joined)


def linear(name: str, function: Rule, transpose: Rule) -> Operation:
    """An operation that is linear in its first operand, written with lantern's functions, with a transposition of its
    own. Its derivative is the operation itself.

    `transpose(cotangent, aval, *others, **params)` gives the cotangent of the first operand, whose type is `aval`; it
    is linear in `cotangent`. Keywords of `function` are static parameters.

    >>> import lantern, lantern.numpy as jnp
    >>> flip = linear("doc_flip", lambda x: x[::-1], lambda g, aval: g[::-1])
    >>> lantern.grad(lambda x: (flip(x) * jnp.arange(3.0)).sum())(jnp.ones(3)).tolist()
    [2.0, 1.0, 0.0]
    """
    def back(ct: Any, first: Linear, *others: Any, **params: Any) -> list[Any]:
        return [transpose(ct, first.aval, *others, **params), *[None] * len(others)]

    return _by_function(name, "lantern.extend.linear", function, None, back)


def _by_function(name: str, maker: str, function: Rule, jvp: Sequence[Rule | None] | None,
                 transpose: Rule | None) -> Operation:
    """An operation whose shapes and values are those of a function of lantern arrays."""
    if not callable(function):
        raise TypeError(f"{maker}({name!r}): wanted a function of arrays, got {function!r}")

    @lru_cache(maxsize=64)
    def traced(avals: Sequence[ShapedArray], params: tuple[tuple[str, Any], ...]) -> Jaxpr:
        return staged(d, partial(function, **dict(params)), avals, "function")

    def abstract(*operands: ShapedArray, **params: Any) -> ShapedArray:
        found = traced(operands, tuple(params.items())).out_avals
        if len(found) != 1:
            raise ArgumentError(f"{d.place}: its function must give one array, got {len(found)}")
        return found[0].strong()

    def impl(*operands: Any, **params: Any) -> Any:
        return run_impl(traced(tuple([typeof(x) for x in operands]), tuple(params.items())), operands)[0]

    d = check_definition(Definition(name, maker, user_source(), abstract, impl, function, jvp, transpose=transpose))
    return _operation(d)


def _joined(d: Definition, operands: Sequence[Any]) -> Sequence[Any]:
    """Python numbers in the dtype of the arrays beside them. Raises ShapeError unless these have one type."""
    arrays = [x for x in operands if type(x) not in (bool, int, float, complex)]
    if not arrays:
        return operands
    avals = [typeof(x) for x in as_values(arrays, lambda: [f"operand {k}" for k in range(len(arrays))], d.name)]
    if any([a.shape != avals[0].shape or a.dtype != avals[0].dtype for a in avals]):
        raise with_line(ShapeError(f"{d.name}: operands must have one shape and one dtype, got {listed(avals)}. "
                                   "Broadcast or convert them first"), user_source())
    return [scalar_like(d.name, x, avals[0]) if type(x) in (bool, int, float, complex) else x for x in operands]
