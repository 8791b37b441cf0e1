"""`scan`, `while_loop`, `fori_loop`, `map`: loops that are one equation of a program, whatever the number of steps."""
from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from lantern import config, tree
from lantern.api import vmap
from lantern.backends.array import DeviceArray
from lantern.dtypes import BOOL, I32, is_inexact, is_integer, promote
from lantern.flat import name_of
from lantern.lax.bodies import Body, Leaves, check_function, leaves_of, results, stage, stage_loop
from lantern.lax.operands import ArrayLike, argument_error, cast, shape_error, type_error
from lantern.lax.plain import plain_scan, plain_while
from lantern.lax.unrolled import unrolled
from lantern.ops.broadcast import broadcast_in_dim
from lantern.ops.compare import eq, lt, ne, select
from lantern.ops.convert import convert
from lantern.ops.elementwise import add, and_, mod, stop_gradient, sub
from lantern.ops.shape import concatenate, iota, reshape
from lantern.ops.shape import slice as slice_
from lantern.trace.array import is_host_array
from lantern.trace.context import bind, typeof
from lantern.trace.jaxpr import Jaxpr, Literal
from lantern.trace.primitive import Value
from lantern.tracebacks import boundary
from lantern.transforms.jit import jit_p
from lantern.transforms.masks import merge, parts, pick
from lantern.transforms.scan import hoisted, scan_p
from lantern.transforms.while_loop import while_p

Carry = TypeVar("Carry")
X = TypeVar("X")
Y = TypeVar("Y")


def scan(f: Callable[[Carry, X], tuple[Carry, Y]], init: Carry, xs: X | None = None, length: int | None = None,
         reverse: bool = False, unroll: int | bool = 1) -> tuple[Carry, Y]:
    """Runs `carry, y = f(carry, x)` for each row x of xs along axis 0; gives the last carry and the stacked ys.

    carry, xs and ys are pytrees; the carry keeps structure, shapes and dtypes (an initial Python number takes the dtype
    that f makes of it). Without xs, f gets None `length` times. `reverse` goes from the last row to the first, and ys
    stay in the order of xs. `unroll=k` compiles k steps into one (True: all). f is traced once, whatever the length.
    Differentiable in both modes; what reverse mode needs of each step is stacked, what does not change is not.

    Raises ShapeError for a carry whose types change and for xs whose lengths differ, naming the leaves; TypeError if f
    does not return a pair; ArgumentError if neither xs nor length is given.

    >>> import lantern.numpy as jnp
    >>> total, sums = scan(lambda total, x: (total + x, total + x), 0.0, jnp.array([1.0, 2.0, 3.0]))
    >>> total.item(), sums.tolist()
    (6.0, [1.0, 3.0, 6.0])
    """
    return boundary(_scan)(f, init, xs, length, reverse, unroll)


def truncated_scan(f: Callable[[Carry, X], tuple[Carry, Y]], init: Carry, xs: X | None = None, *, every: int,
                   length: int | None = None, reverse: bool = False,
                   unroll: int | bool = 1) -> tuple[Carry, Y]:
    """`scan`, but no gradient passes from a step to the carry before it after each `every` steps.

    That is truncated backpropagation through time (Williams and Peng 1990): with steps numbered in the order in which
    they run, the carry that enters step t goes through `stop_gradient` where t is a positive multiple of `every`. The
    first steps still reach `init`, and the last carry its own stretch of steps. Values are those of `scan`.

    Raises what `scan` raises, and ArgumentError if `every` is no positive integer.

    >>> import lantern, lantern.numpy as jnp
    >>> def last(w):
    ...     return truncated_scan(lambda c, x: (c * w + x, None), 0.0, jnp.ones(4), every=2)[0]
    >>> lantern.grad(last)(1.0).item()      # 6.0 without truncation
    5.0
    """
    return boundary(_truncated)(f, init, xs, every, length, reverse, unroll)


def while_loop(cond_fun: Callable[[Carry], ArrayLike], body_fun: Callable[[Carry], Carry], init_val: Carry) -> Carry:
    """Runs `val = body_fun(val)` as long as `cond_fun(val)` holds, starting from init_val; gives the last val.

    val is a pytree whose structure, shapes and dtypes stay the same (initial Python numbers take the dtypes that
    body_fun makes of them); cond_fun returns a scalar bool. Both are traced once. Forward mode only: reverse mode would
    have to remember a number of steps that nobody knows. Under `vmap` with a batched condition all elements run until
    the last is done, and finished ones keep their values.

    Raises ShapeError for a val whose types change, naming the leaves, and TypeError for a condition that is no scalar
    bool; NotDifferentiableError in reverse mode.

    >>> while_loop(lambda x: x < 100.0, lambda x: x * 2.0, 3.0).item()
    192.0
    """
    return boundary(_while_loop)(cond_fun, body_fun, init_val)


def fori_loop(lower: ArrayLike, upper: ArrayLike, body_fun: Callable[[Any, Carry], Carry], init_val: Carry, *,
              unroll: int | bool | None = None) -> Carry:
    """Runs `val = body_fun(i, val)` for i = lower, ..., upper - 1; gives the last val.

    Bounds whose values are known (Python, NumPy or device integers) make a `scan`, which both modes differentiate;
    others make a `while_loop`. `unroll` is for known bounds, as in `scan`.

    Raises ShapeError for bounds that are no scalar integers, ArgumentError for `unroll` with bounds that are not known,
    and what `scan` and `while_loop` raise.

    >>> fori_loop(0, 4, lambda i, x: x + i, 0).item()
    6
    """
    return boundary(_fori_loop)(lower, upper, body_fun, init_val, unroll)


def map(f: Callable[[X], Y], xs: X, *, batch_size: int | None = None) -> Y:
    """f of each row of xs along axis 0, one after the other, stacked. `vmap` does all at once and needs more memory.

    `batch_size`: so many rows at a time, by `vmap`.

    Raises what `scan` raises, and ArgumentError if `batch_size` is no positive integer.

    >>> import lantern.numpy as jnp
    >>> map(lambda x: x * x, jnp.arange(3)).tolist()
    [0, 1, 4]
    """
    return boundary(_map)(f, xs, batch_size)


def _scan(f: Callable[..., Any], init: Any, xs: Any, length: int | None, reverse: bool, unroll: int | bool,
          function: str = "scan") -> Any:
    check_function(function, "f", f)
    rows = leaves_of(function, xs, "xs")
    steps = _length(function, rows, length)
    at_once = _steps_at_once(function, unroll, steps)
    if steps and config.jit_disabled():
        return plain_scan(f, init, xs, steps, bool(reverse))
    x_avals = [a.with_shape(a.shape[1:]) for a in rows.avals]
    x_names = tree.paths(rows.treedef, "x")

    def check_pair(out: Any) -> None:
        if not isinstance(out, (tuple, list)) or len(out) != 2:     # pyright: ignore[reportUnknownArgumentType]
            got = type(out).__name__        # pyright: ignore[reportUnknownArgumentType]
            raise type_error(f"{function}: {name_of(f)} must return a pair (carry, y), got {_counted(out, got)}",
                             "Return (carry, None) if there is nothing to stack.")

    def stage_body(carry: Leaves) -> Body:
        return stage(function, f, [carry.treedef, rows.treedef], [*carry.avals, *x_avals], [*carry.names, *x_names],
                     check_pair)

    body, carry = stage_loop(function, stage_body, leaves_of(function, init, "carry"), lambda b: b.out_tree.children[0],
                             f)
    outs, ys = _run_scan(body, carry.values, rows.values, steps, bool(reverse), at_once)
    return results(carry.treedef, outs), results(body.out_tree.children[1], ys)


def _counted(out: Any, kind: str) -> str:
    return f"a {kind} of {len(out)}" if isinstance(out, (tuple, list)) else kind    # pyright: ignore[reportUnknownArgumentType]


def _run_scan(body: Body, carry: Sequence[Value], xs: Sequence[Value], length: int, reverse: bool,
              at_once: int) -> tuple[list[Value], list[Value]]:
    """Bind the loop. A carry that comes back unchanged is a constant of the loop, which nobody has to copy or stack;
    what depends on constants alone is computed before it."""
    n = len(body.captured)
    outvars = body.jaxpr.outvars
    of_captured, of_carry, of_xs = parts(body.jaxpr.invars, n, len(carry))
    changes = [a is not b for a, b in zip(of_carry, outvars, strict=False)]
    jaxpr = Jaxpr((*of_captured, *pick(of_carry, changes, False), *pick(of_carry, changes), *of_xs), body.jaxpr.eqns,
                  (*pick(outvars[: len(carry)], changes), *outvars[len(carry):]))
    consts = [*body.captured, *pick(carry, changes, False)]
    moving = pick(carry, changes)
    if length > 1:
        jaxpr, consts = hoisted(jaxpr, consts)
    if at_once > 1:
        whole = unrolled(jaxpr, len(consts), len(moving), length, reverse, at_once)
        outs = bind(jit_p, *consts, *moving, *xs, jaxpr=whole, name="scan")
    else:
        outs = bind(scan_p, *consts, *moving, *xs, jaxpr=jaxpr, n_consts=len(consts), n_carry=len(moving),
                    length=length, reverse=reverse)
    last, ys = parts(outs, len(moving))
    return merge(changes, last, pick(carry, changes, False)), ys


def _length(function: str, xs: Leaves, length: Any) -> int:
    for name, aval in zip(xs.names, xs.avals, strict=True):
        if not aval.shape:
            raise shape_error(f"{function}: `{name}` is {aval} and has no axis 0 to go along",
                              "Let f capture what is the same for all steps.")
    sizes = {name: aval.shape[0] for name, aval in zip(xs.names, xs.avals, strict=True)}
    listed = ", ".join([f"`{name}` has {size}" for name, size in sizes.items()])
    if len(set(sizes.values())) > 1:
        raise shape_error(f"{function}: all xs must have one size along axis 0, but {listed}")
    if length is None:
        if not sizes:
            raise argument_error(f"{function}: without xs the number of steps must be given", "Pass length=n.")
        return next(iter(sizes.values()))
    try:
        wanted = operator.index(length)
    except TypeError:
        raise type_error(f"{function}: length must be an int, got {length!r} of type {type(length).__name__}") from None
    if wanted < 0:
        raise argument_error(f"{function}: length must not be negative, got {wanted}")
    if any(size != wanted for size in sizes.values()):
        raise argument_error(f"{function}: length={wanted}, but {listed} rows")
    return wanted


def _steps_at_once(function: str, unroll: Any, length: int) -> int:
    if isinstance(unroll, bool):
        return max(length, 1) if unroll else 1
    if not isinstance(unroll, int) or unroll < 1:
        raise argument_error(f"{function}: unroll must be a positive int or a bool, got {unroll!r}")
    return min(unroll, max(length, 1))


def _truncated(f: Callable[..., Any], init: Any, xs: Any, every: Any, length: int | None, reverse: bool,
               unroll: int | bool) -> Any:
    check_function("truncated_scan", "f", f)
    _check_positive("truncated_scan", "every", every)
    steps = _length("truncated_scan", leaves_of("truncated_scan", xs, "xs"), length)
    number = iota(I32, (steps,), 0)
    if reverse:
        number = sub(steps - 1, number)

    def step(carry: Any, numbered: Any) -> Any:
        i, x = numbered
        cut = and_(eq(mod(i, every), 0), ne(i, 0))
        leaves, treedef = tree.flatten(carry)
        return f(tree.unflatten(treedef, [_cut_where(cut, c) for c in leaves]), x)

    step.__name__ = name_of(f)
    return _scan(step, init, (number, xs), steps, reverse, unroll, "truncated_scan")


def _cut_where(cut: Value, x: Value) -> Value:
    aval = typeof(x)
    return select(broadcast_in_dim(cut, aval.shape, ()), stop_gradient(x), x) if is_inexact(aval.dtype) else x


def _check_positive(function: str, name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise argument_error(f"{function}: {name} must be a positive int, got {value!r}")


def _while_loop(cond_fun: Callable[..., Any], body_fun: Callable[..., Any], init_val: Any) -> Any:
    check_function("while_loop", "cond_fun", cond_fun)
    check_function("while_loop", "body_fun", body_fun)
    if config.jit_disabled() and (found := plain_while(cond_fun, body_fun, init_val)):
        return found[0]

    def stage_body(val: Leaves) -> Body:
        return stage("while_loop", body_fun, [val.treedef], val.avals, val.names)

    body, val = stage_loop("while_loop", stage_body, leaves_of("while_loop", init_val, "val"), lambda b: b.out_tree,
                           body_fun)
    test = stage("while_loop", cond_fun, [val.treedef], val.avals, val.names)
    found = test.jaxpr.out_avals
    if test.out_tree is not tree.LEAF or found[0].shape or found[0].dtype != BOOL:
        got = str(found[0]) if test.out_tree is tree.LEAF else f"the structure {test.out_tree}"
        raise type_error(f"while_loop: {name_of(cond_fun)} must return a scalar bool, got {got}",
                         "Compare with something, and reduce with any or all.")
    outs = bind(while_p, *test.captured, *body.captured, *val.values, condition=test.jaxpr, body=body.jaxpr,
                n_condition=len(test.captured), n_body=len(body.captured))
    return results(val.treedef, outs)


def _fori_loop(lower: Any, upper: Any, body_fun: Callable[..., Any], init_val: Any, unroll: int | bool | None) -> Any:
    check_function("fori_loop", "body_fun", body_fun)
    bounds = [_bound("lower", lower), _bound("upper", upper)]
    dtype, weak = promote([(typeof(x).dtype, typeof(x).weak) for x in bounds])
    known = [_known(x) for x in bounds]
    if known[0] is None or known[1] is None:
        if unroll is not None:
            raise argument_error("fori_loop: unroll needs bounds whose values are known", "Leave it out.")
        first, last = [cast(x, dtype, weak) for x in bounds]
        return _counting(first, last, body_fun, init_val)
    steps = max(known[1] - known[0], 0)
    numbers = convert(add(iota(dtype, (steps,), 0), known[0]), dtype, weak=weak)

    def body(val: Any, i: Any) -> Any:
        return body_fun(i, val), None

    body.__name__ = name_of(body_fun)
    return _scan(body, init_val, numbers, steps, False, 1 if unroll is None else unroll, "fori_loop")[0]


def _counting(first: Value, last: Value, body_fun: Callable[..., Any], init_val: Any) -> Any:
    def running(state: Any) -> Any:
        return lt(state[0], last)

    def step(state: Any) -> Any:
        i, val = state
        return add(i, 1), body_fun(i, val)

    step.__name__ = name_of(body_fun)
    return _while_loop(running, step, (first, init_val))[1]


def _bound(name: str, given: Any) -> Value:
    found = leaves_of("fori_loop", given, name)
    avals = found.avals
    if found.names != [name] or avals[0].shape or not is_integer(avals[0].dtype):
        got = ", ".join([str(a) for a in avals]) or "nothing"
        raise shape_error(f"fori_loop: {name} must be a scalar integer, got {got}", "Convert it with int or astype.")
    return found.values[0]


def _known(bound: Value) -> int | None:
    """The value of a bound that no trace has to wait for."""
    if isinstance(bound, Literal):
        return int(bound.value)
    return int(bound) if is_host_array(bound) or isinstance(bound, DeviceArray) else None


def _map(f: Callable[..., Any], xs: Any, batch_size: Any) -> Any:
    check_function("map", "f", f)

    def one(_: Any, x: Any) -> Any:
        return None, f(x)

    def many(_: Any, x: Any) -> Any:
        return None, vmap(f)(x)

    one.__name__ = many.__name__ = name_of(f)
    if batch_size is None:
        return _scan(one, None, xs, None, False, 1, "map")[1]
    _check_positive("map", "batch_size", batch_size)
    rows = leaves_of("map", xs, "xs")
    length = _length("map", rows, None)
    blocks, rest = divmod(length, batch_size)
    whole, pieces = blocks * batch_size, list[Any]()
    if blocks:
        cut = [reshape(_rows(x, 0, whole), (blocks, batch_size, *typeof(x).shape[1:])) for x in rows.values]
        outs, treedef = tree.flatten(_scan(many, None, tree.unflatten(rows.treedef, cut), None, False, 1, "map")[1])
        pieces.append(tree.unflatten(treedef, [reshape(y, (whole, *typeof(y).shape[2:])) for y in outs]))
    if rest or not blocks:
        pieces.append(vmap(f)(tree.unflatten(rows.treedef, [_rows(x, whole, length) for x in rows.values])))
    return tree.map(_joined, *pieces) if len(pieces) > 1 else pieces[0]


def _joined(*pieces: Value) -> Value:
    return concatenate(pieces, 0)


def _rows(x: Value, start: int, stop: int) -> Value:
    shape = typeof(x).shape
    return slice_(x, (start, *[0] * (len(shape) - 1)), (stop, *shape[1:]))
