"""The transforms for users: pytrees in, pytrees out."""
from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Sequence
from functools import wraps
from typing import Any, cast

import numpy as np

from lantern import tree
from lantern.annotations import call as call_checked
from lantern.autodiff import Linearized, check_tangents, fits, fitted, push_forward
from lantern.dtypes import KEY, is_complex, is_float, is_inexact
from lantern.errors import ArgumentError, NotDifferentiableError
from lantern.flat import Flat, Function, argument_names, as_result, as_values, name_of
from lantern.ops.shape import reshape, transpose
from lantern.trace.aval import ShapedArray
from lantern.trace.context import extended_axes, typeof
from lantern.trace.jaxpr import Jaxpr, literal
from lantern.trace.primitive import Axis, Value, Zero
from lantern.tracebacks import boundary
from lantern.transforms.batch import batch_eval, front

ArgNums = int | Sequence[int]


def _named(g: Callable[..., Any], verb: str, f: Function) -> Callable[..., Any]:
    if not callable(f):
        raise TypeError(f"{verb}: wanted a function, got {f!r}")
    wrapped = wraps(f, updated=())(boundary(g)) if hasattr(f, "__name__") else boundary(g)
    wrapped.__name__ = f"{verb}({name_of(f)})"
    return wrapped


class _Differentiated:
    """f as a function of the chosen arguments; the others are captured."""

    def __init__(self, f: Function, argnums: ArgNums, args: tuple[Any, ...], kwargs: dict[str, Any], verb: str) -> None:
        self.single = isinstance(argnums, int)
        wanted: list[Any] = [argnums] if isinstance(argnums, int) else list(argnums)
        if not all([isinstance(i, int) for i in wanted]):
            raise ArgumentError(f"{verb}({name_of(f)}): argnums must be an int or a sequence of ints, got {argnums!r}")
        if any(not -len(args) <= i < len(args) for i in wanted):
            raise ArgumentError(f"{verb}({name_of(f)}): argnums={argnums} asks for an argument that was not given by "
                                f"position; {len(args)} were")
        self.positions: list[int] = [i % len(args) for i in wanted]
        self.f, self.args, self.kwargs = f, args, kwargs
        self.__name__ = name_of(f)
        self.aux: Any = None

    def __call__(self, *chosen: Any) -> Any:
        args = list(self.args)
        for i, x in zip(self.positions, chosen, strict=True):
            args[i] = x
        return call_checked(self.f, tuple(args), self.kwargs)

    def flat(self, verb: str) -> Flat:
        """Over the leaves of the chosen arguments."""
        return Flat(self, [self.args[i] for i in self.positions], {}, verb)

    @property
    def __signature__(self) -> inspect.Signature:
        """The chosen parameters, for messages."""
        names = [n.split("[")[0].split(".")[0] for n in argument_names(self.f, self.args)]
        unique = list(dict.fromkeys(names))
        chosen = [unique[i] if i < len(unique) else f"argument_{i}" for i in self.positions]
        return inspect.Signature([inspect.Parameter(n, inspect.Parameter.POSITIONAL_ONLY) for n in chosen])


def value_and_grad(f: Function, argnums: ArgNums = 0, has_aux: bool = False, holomorphic: bool = False
                   ) -> Callable[..., Any]:
    """A function that gives f's value and its gradient: `(value, gradient)`.

    The value is a floating-point scalar; the gradient has the structure, shapes and dtypes of the argument(s) `argnums`
    (a tuple of gradients for a sequence). With `has_aux` f returns `(value, aux)`, where aux may hold anything, and the
    outcome is `((value, aux), gradient)`. Outside `jit` Python may branch on values.

    By a complex argument z = x + iy the gradient of a real function is d/dx - i d/dy: descend along its conjugate. With
    `holomorphic` arguments and value are complex, and the gradient is the complex derivative.

    Raises NotDifferentiableError for integer arguments, for non-scalar results, and for complex ones unless
    `holomorphic`.

    >>> import lantern.numpy as jnp
    >>> value, gradient = value_and_grad(lambda x: jnp.sum(x * x))(jnp.array([1.0, 2.0]))
    >>> float(value), gradient.tolist()
    (5.0, [2.0, 4.0])
    """
    def g(*args: Any, **kwargs: Any) -> Any:
        chosen = _Differentiated(f, argnums, args, kwargs, "grad")
        flat = chosen.flat("grad")
        _check_arguments(flat, holomorphic)
        return _gradient(flat, chosen, has_aux, holomorphic)

    return _named(g, "value_and_grad", f)


def _check_arguments(flat: Flat, holomorphic: bool, real: bool = False) -> None:
    """Raises NotDifferentiableError for integers, for real arguments of a holomorphic function, and for complex ones
    where they have to be `real`."""
    for name, aval in zip(flat.names, flat.avals, strict=True):
        said = f"{flat.title}: argument `{name}` is {aval}; "
        if aval.dtype is KEY:
            raise NotDifferentiableError(f"{said}random keys have no derivative. Choose others with argnums")
        if not is_inexact(aval.dtype):
            raise NotDifferentiableError(f"{said}gradients need floating-point arguments. Convert it with astype, or "
                                         "choose others with argnums")
        if holomorphic and not is_complex(aval.dtype):
            raise NotDifferentiableError(f"{said}with holomorphic=True arguments must be complex. Convert it with "
                                         "astype, or leave holomorphic out")
        if real and not holomorphic and is_complex(aval.dtype):
            raise NotDifferentiableError(f"{said}by complex arguments forward mode has no one Jacobian. Use "
                                         "holomorphic=True if the function is holomorphic, jacrev if its result is "
                                         "real, or real and imaginary parts as arguments of their own")


def _check_results(title: str, avals: Sequence[ShapedArray], holomorphic: bool) -> None:
    """Raises NotDifferentiableError unless results are real, or complex if holomorphic."""
    for aval in avals:
        if is_complex(aval.dtype) != holomorphic:
            cure = ("Leave holomorphic out" if holomorphic else "Take abs, real or imag; or use holomorphic=True if "
                    "the function is holomorphic")
            raise NotDifferentiableError(f"{title}: the function must return {'complex' if holomorphic else 'real'} "
                                         f"numbers, got {aval}. {cure}")


def _gradient(flat: Flat, chosen: _Differentiated, has_aux: bool, holomorphic: bool) -> Any:
    outside: dict[int, Any] = {}
    if has_aux:
        flat.f = _split_aux(chosen, outside, flat.title)
    lin = Linearized(flat)
    aval = lin.out_avals[0] if lin.out_avals else None
    if aval is not None and (is_complex(aval.dtype) or (holomorphic and is_float(aval.dtype))):
        _check_results(flat.title, [aval], holomorphic)
    if aval is None or aval.shape != () or (not has_aux and len(lin.out_avals) != 1) or not is_inexact(aval.dtype):
        got = ", ".join(map(str, lin.out_avals)) or "nothing"
        cure = "" if has_aux else "; for further outputs return (loss, others) and use has_aux=True"
        raise NotDifferentiableError(
            f"{flat.title}: the function must return one floating-point scalar, got {got}{cure}")
    lin.check_connected()
    back = lin.pull([literal(1.0, aval.dtype), *[Zero(a) for a in lin.out_avals[1:]]])
    gradients = tree.unflatten(flat.treedef, [as_result(x) for x in back])[0]
    gradient = gradients[0] if chosen.single else gradients
    outs = [as_result(x) for x in lin.outs]
    if not has_aux:
        return outs[0], gradient
    value, aux = tree.unflatten(flat.out_tree, outs)
    leaves, treedef = tree.flatten(aux)
    return (value, tree.unflatten(treedef, [outside.get(i, x) for i, x in enumerate(leaves)])), gradient


def _split_aux(f: Function, outside: dict[int, Any], title: str) -> Function:
    """f with the leaves of aux that are no arrays replaced by zeros and kept in `outside`."""

    def g(*args: Any) -> Any:
        result = f(*args)
        if not isinstance(result, tuple) or len(result) != 2:   # pyright: ignore[reportUnknownArgumentType]
            got = type(result).__name__     # pyright: ignore[reportUnknownArgumentType]
            raise TypeError(f"{title}: with has_aux=True the function must return (value, aux), got {got}")
        value, aux = result     # pyright: ignore[reportUnknownVariableType]
        leaves, treedef = tree.flatten(aux)
        for i, x in enumerate(leaves):
            if not hasattr(x, "dtype"):
                outside[i] = x
        return value, tree.unflatten(treedef, [0.0 if i in outside else x for i, x in enumerate(leaves)])

    g.__name__ = name_of(f)
    return g


def grad(f: Function, argnums: ArgNums = 0, has_aux: bool = False, holomorphic: bool = False) -> Callable[..., Any]:
    """A function that gives f's gradient (with `has_aux`: `(gradient, aux)`). See `value_and_grad`.

    >>> float(grad(lambda x: x ** 3)(2.0))
    12.0
    >>> complex(grad(lambda z: z ** 2, holomorphic=True)(1 + 2j))
    (2+4j)
    """
    both = value_and_grad(f, argnums, has_aux, holomorphic)

    def g(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return _named(g, "grad", f)


def jvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False) -> tuple[Any, ...]:
    """`(f(*primals), directional derivative along tangents)`, by forward mode; with `has_aux` also aux.

    Tangents have the structure, shapes and dtypes of the primals. Raises ArgumentError if they do not.

    >>> y, dy = jvp(lambda x: x * x, (3.0,), (1.0,))
    >>> float(y), float(dy)
    (9.0, 6.0)
    """
    return boundary(_jvp)(f, primals, tangents, has_aux)


def _jvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool) -> tuple[Any, ...]:
    flat = Flat(f, primals, {}, "jvp")
    outs, touts = push_forward(flat, check_tangents(flat, tangents))
    out = tree.unflatten(flat.out_tree, [as_result(x) for x in outs])
    tangent = tree.unflatten(flat.out_tree, [as_result(x) for x in touts])
    return (out[0], tangent[0], out[1]) if has_aux else (out, tangent)


def linearize(f: Function, *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """`(f(*primals), push)`, where `push(*tangents)` is the directional derivative there; f is not run again.

    >>> y, push = linearize(lambda x: x * x, 3.0)
    >>> float(push(1.0))
    6.0
    """
    return boundary(_linearize)(f, *primals)


def _linearize(f: Function, *primals: Any) -> tuple[Any, Callable[..., Any]]:
    flat = Flat(f, primals, {}, "linearize")
    lin = Linearized(flat)

    def push(*tangents: Any) -> Any:
        outs = lin.push(check_tangents(flat, tangents))
        return tree.unflatten(flat.out_tree, [as_result(x) for x in outs])

    return tree.unflatten(flat.out_tree, [as_result(x) for x in lin.outs]), boundary(push)


def vjp(f: Function, *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """`(f(*primals), pull)`, where `pull(cotangents)` gives a tuple of cotangents, one for each primal.

    With `has_aux` f returns `(value, aux)`, and the outcome is `(value, pull, aux)`; aux holds arrays.
    Raises ArgumentError if the cotangents do not have the structure and shapes of the result.

    >>> y, pull = vjp(lambda x, y: x * y, 3.0, 4.0)
    >>> [float(g) for g in pull(1.0)]
    [4.0, 3.0]
    """
    return boundary(_vjp)(f, primals, has_aux)


def _vjp(f: Function, primals: Sequence[Any], has_aux: bool) -> tuple[Any, ...]:
    flat = Flat(f, primals, {}, "vjp")
    lin = Linearized(flat)
    out = tree.unflatten(flat.out_tree, [as_result(x) for x in lin.outs])
    result = out[0] if has_aux else out
    wanted = tree.structure(result)

    def pull(cotangents: Any) -> Any:
        leaves, treedef = tree.flatten(cotangents)
        if treedef is not wanted:
            raise ArgumentError(f"the pullback of {flat.name} wants cotangents of the structure {wanted}, "
                                f"got {treedef}")
        given = as_values(leaves, lambda: [f"cotangent_{i}" for i in range(len(leaves))], flat.title)
        given = [_matched(c, a, flat.name) for c, a in zip(given, lin.out_avals, strict=False)]
        back = lin.pull([*given, *[Zero(a) for a in lin.out_avals[len(given):]]])
        return tree.unflatten(flat.treedef, [as_result(x) for x in back])[0]

    return (result, boundary(pull), out[1]) if has_aux else (result, boundary(pull))


def _matched(c: Value, aval: Any, name: str) -> Value:
    if not fits(typeof(c), aval):
        raise ArgumentError(f"the pullback of {name} wants a cotangent {aval}, got {typeof(c)}")
    return fitted(c, aval)


def vmap(f: Function, in_axes: Any = 0, out_axes: Any = 0, *, axis_name: Hashable | None = None,
         axis_size: int | None = None) -> Callable[..., Any]:
    """f over one more axis of its arguments, without a loop.

    `in_axes`: the axis of each argument that is mapped over, or None for those that are the same for all: an int, or a
    tree that is a prefix of the arguments (a tuple, one entry an argument). `out_axes`: where the axis goes in the
    results; None for results without it. `axis_name` makes the axis known to `lax.psum` and its kin.

    Raises ArgumentError for axes of different sizes, listing them, and for trees that do not fit.

    >>> import lantern.numpy as jnp
    >>> vmap(lambda x, y: x * y, in_axes=(0, None))(jnp.array([1.0, 2.0]), 10.0).tolist()
    [10.0, 20.0]
    """
    def g(*args: Any, **kwargs: Any) -> Any:
        flat = Flat(f, args, kwargs, "vmap")
        axes = _in_axes(flat, in_axes, args, kwargs)
        size = _axis_size(flat, axes, axis_size)
        leaves = [x if a is None else _moved(x, a, 0) for x, a in zip(flat.leaves, axes, strict=True)]
        flat.avals = [typeof(x) if a is None else typeof(x).with_shape(typeof(x).shape[1:])
                      for x, a in zip(leaves, axes, strict=True)]
        values = [x if a is None else None for x, a in zip(leaves, axes, strict=True)]    # without the axis: known
        axis = Axis(size, axis_name)
        with extended_axes(axis_name, size):
            t = flat.trace(values, stage_all=False)
            dims = [None] * len(t.captured) + [None if a is None else 0 for a in axes]
            outs, out_dims = batch_eval(t.jaxpr, axis, [*t.captured, *leaves], dims)
        places = _out_axes(flat, out_axes)
        results = [_placed(x, d, p, size, flat) for x, d, p in zip(outs, out_dims, places, strict=True)]
        return tree.unflatten(flat.out_tree, [as_result(x) for x in results])

    return _named(g, "vmap", f)


def _is_none(x: Any) -> bool:
    return x is None


def _in_axes(flat: Flat, in_axes: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[int | None]:
    given: Any = tuple(cast(Sequence[Any], in_axes)) if isinstance(in_axes, (list, tuple)) else in_axes
    if type(given) is tuple and len(given) != len(args):    # pyright: ignore[reportUnknownArgumentType]
        raise ArgumentError(
            f"{flat.title}: in_axes={in_axes!r} does not have one entry for each of {len(args)} arguments")
    try:
        entries = tree.broadcast_prefix(given, args, is_leaf=_is_none)
    except ArgumentError as error:
        raise ArgumentError(f"{flat.title}: in_axes={in_axes!r} does not fit the arguments: {error}") from None
    _check_axes(f"{flat.title}: in_axes", in_axes, entries)
    entries += [0] * (len(flat.leaves) - len(entries))      # keyword arguments are mapped over their first axis
    axes: list[int | None] = []
    for name, x, a in zip(flat.names, flat.leaves, entries, strict=True):
        rank = typeof(x).ndim
        if a is not None and not -rank <= a < rank:
            raise ArgumentError(f"{flat.title}: argument `{name}` is {typeof(x)} and has no axis {a}; use None in "
                                "in_axes for an argument that is not mapped")
        axes.append(a if a is None else a % rank)
    return axes


def _axis_size(flat: Flat, axes: Sequence[int | None], given: int | None) -> int:
    sizes = {n: typeof(x).shape[a] for n, x, a in zip(flat.names, flat.leaves, axes, strict=True) if a is not None}
    found: set[int] = {*sizes.values(), *(() if given is None else (given,))}
    if not found:
        raise ArgumentError(f"{flat.title}: at least one argument must be mapped (or give axis_size)")
    if len(found) > 1:
        listed = [f"`{n}` has {s}" for n, s in sizes.items()] + ([] if given is None else [f"axis_size={given}"])
        raise ArgumentError(f"{flat.title}: mapped axes must have one size, but {', '.join(listed)}")
    return found.pop()


def _out_axes(flat: Flat, out_axes: Any) -> list[int | None]:
    tree_of_none = tree.unflatten(flat.out_tree, [0] * flat.out_tree.num_leaves)
    try:
        entries = tree.broadcast_prefix(out_axes, tree_of_none, is_leaf=_is_none)
    except ArgumentError as error:
        raise ArgumentError(
            f"{flat.title}: out_axes={out_axes!r} does not fit the outputs {flat.out_tree}: {error}") from None
    _check_axes(f"{flat.title}: out_axes", out_axes, entries)
    return entries


def _check_axes(what: str, given: Any, entries: Sequence[Any]) -> None:
    if not all([a is None or isinstance(a, int) for a in entries]):
        raise ArgumentError(f"{what} must be an int, None, or a tree of them, got {given!r}")


def _moved(x: Value, source: int, to: int) -> Value:
    order = [i for i in range(typeof(x).ndim) if i != source]
    order.insert(to, source)
    return x if source == to else transpose(x, tuple(order))


def _placed(x: Value, dim: int | None, place: int | None, size: int, flat: Flat) -> Value:
    if place is None:
        if dim is not None:
            raise ArgumentError(f"{flat.title}: out_axes is None for an output that depends on a mapped argument, "
                                f"{typeof(x)}; give the axis a place")
        return x
    x = front(x, dim, size)
    rank = typeof(x).ndim
    if not -rank <= place < rank:
        raise ArgumentError(f"{flat.title}: out_axes={place} is out of range for an output of rank {rank}")
    return _moved(x, 0, place % rank)


def _basis(like: Value) -> Value:
    aval = typeof(like)
    return np.eye(aval.size, dtype=aval.dtype).reshape(aval.size, *aval.shape)


def jacfwd(f: Function, argnums: int = 0, *, holomorphic: bool = False) -> Callable[..., Any]:
    """The Jacobian of f in one argument, column by column (forward mode).

    For each pair of output leaf and input leaf an array of shape `output.shape + input.shape`. With `holomorphic`
    arguments and results are complex; else the argument is real.

    Raises NotDifferentiableError for arguments of other dtypes.

    >>> import lantern.numpy as jnp
    >>> jacfwd(lambda x: x * x)(jnp.array([1.0, 2.0])).tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """
    def g(*args: Any, **kwargs: Any) -> Any:
        chosen = _Differentiated(f, argnums, args, kwargs, "jacfwd")
        flat = chosen.flat("jacfwd")
        _check_arguments(flat, holomorphic, real=True)
        lin = Linearized(flat)
        if holomorphic:
            _check_results(flat.title, lin.out_avals, holomorphic)
        columns = [_columns(lin, i) for i in range(len(flat.leaves))]
        rows = [_as_argument(flat, [c[o] for c in columns]) for o in range(len(lin.out_avals))]
        return tree.unflatten(flat.out_tree, rows)

    return _named(g, "jacfwd", f)


def _as_argument(flat: Flat, leaves: Sequence[Value]) -> Any:
    """Leaves in the structure of the one chosen argument."""
    return tree.unflatten(flat.treedef, [as_result(x) for x in leaves])[0][0]


def _columns(lin: Linearized, i: int) -> list[Value]:
    """The derivatives of all outputs by input i, the input's axes last."""
    aval = lin.in_avals[i]

    def push(direction: Value) -> Any:
        return lin.push([direction if k == i else Zero(a) for k, a in enumerate(lin.in_avals)])

    outs: list[Value] = vmap(push)(_basis(lin.inputs[i]))
    return [reshape(_moved(x, 0, o.ndim), (*o.shape, *aval.shape)) for x, o in zip(outs, lin.out_avals, strict=True)]


def jacrev(f: Function, argnums: int = 0, *, holomorphic: bool = False) -> Callable[..., Any]:
    """The Jacobian of f in one argument, row by row (reverse mode).

    For each pair of output leaf and input leaf an array of shape `output.shape + input.shape`. With `holomorphic`
    arguments and results are complex; else the results are real.

    Raises NotDifferentiableError for arguments or results of other dtypes.

    >>> import lantern.numpy as jnp
    >>> jacrev(lambda x: x * x)(jnp.array([1.0, 2.0])).tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """
    def g(*args: Any, **kwargs: Any) -> Any:
        chosen = _Differentiated(f, argnums, args, kwargs, "jacrev")
        flat = chosen.flat("jacrev")
        _check_arguments(flat, holomorphic)
        lin = Linearized(flat)
        _check_results(flat.title, lin.out_avals, holomorphic)
        rows = [_as_argument(flat, _rows(lin, o)) for o in range(len(lin.out_avals))]
        return tree.unflatten(flat.out_tree, rows)

    return _named(g, "jacrev", f)


def _rows(lin: Linearized, o: int) -> list[Value]:
    """The derivatives of output o by all inputs, the output's axes first."""
    aval = lin.out_avals[o]

    def pull(ct: Value) -> Any:
        return lin.pull([ct if k == o else Zero(a) for k, a in enumerate(lin.out_avals)])

    outs: list[Value] = vmap(pull)(_basis(lin.outs[o]))
    return [reshape(x, (*aval.shape, *a.shape)) for x, a in zip(outs, lin.in_avals, strict=True)]


def hessian(f: Function, argnums: int = 0, *, holomorphic: bool = False) -> Callable[..., Any]:
    """The second derivatives of f in one argument: forward over reverse.

    >>> import lantern.numpy as jnp
    >>> hessian(lambda x: jnp.sum(x * x * x))(jnp.array([1.0, 2.0])).tolist()
    [[6.0, 0.0], [0.0, 12.0]]
    """
    inner = jacrev(f, argnums, holomorphic=holomorphic)
    return _named(jacfwd(inner, argnums, holomorphic=holomorphic), "hessian", f)


def make_jaxpr(f: Function) -> Callable[..., Jaxpr]:
    """A function that gives the program f stages for the types of its arguments.

    >>> print(make_jaxpr(lambda x: x * 2.0)(1.0))   # doctest: +ELLIPSIS
    { lambda a:f32*[] .
      b:f32*[] = mul a 2.0...
      in (b) }
    """
    def g(*args: Any, **kwargs: Any) -> Jaxpr:
        return Flat(f, args, kwargs, "make_jaxpr").trace(None, stage_all=True).jaxpr

    return _named(g, "make_jaxpr", f)
