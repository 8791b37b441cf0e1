"""Rules of `lantern.random`: a key is `Array[prng_key, *tuple[()]]`, a raw one `Array[u32, Literal[2]]`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tools.stubs.creation import ASKED_DTYPES, Filled, shapes
from tools.stubs.notation import array, unseen
from tools.stubs.operators import FOREIGN, Rule
from tools.stubs.patterns import GENERAL_BROADCAST
from tools.stubs.signature import Signature

KEY = array("", "prng_key")
RAW = array("2", "u32")
EITHER = f"{KEY} | {RAW}"
NUMBER = f"float | {array('', 'Any')}"


def _drawn(rule: Rule) -> Rule:
    def drawn(of: Signature) -> Iterator[str]:
        yield from rule(of.with_type("key", EITHER))

    return drawn


def key(of: Signature) -> Iterator[str]:
    """From a seed; from an array of seeds a batch of keys."""
    raw = of.name == "PRNGKey"
    for seed, sizes in (("int", ""), (array("*L", "I"), "*L"), ("np.ndarray[Any, Any] | np.generic", "...")):
        words = "..." if sizes == "..." else f"{sizes} 2".strip()
        yield from of.overload({"seed": seed}, array(words, "u32") if raw else array(sizes, "prng_key"))


def split(of: Signature) -> Iterator[str]:
    """A named number of keys, or one that is not known; two if none is given."""
    for number, sizes in (
        ("Literal[2] = 2", "2"),
        ("A", "A"),
        ("int", "?"),
        ("tuple[A, B]", "A B"),
        ("tuple[int, ...]", "..."),
    ):
        yield from of.overload({"key": KEY, "num": number}, array(sizes, "prng_key"))
        words = sizes if sizes == "..." else f"{sizes} 2"
        yield from of.overload({"key": RAW, "num": number}, array(words, "u32"))


def fold_in(of: Signature) -> Iterator[str]:
    """Another key."""
    for kind in (KEY, RAW):
        yield from of.overload({"key": kind, "data": f"{array('', 'I')} | {FOREIGN}"}, kind)


def key_data(of: Signature) -> Iterator[str]:
    """The words of keys along a last axis; raw keys as they are."""
    yield from of.overload({"keys": array("*L", "prng_key")}, array("*L 2", "u32"))
    yield from of.overload({"keys": array("*L", "u32")}, array("*L", "u32"))


def wrap_key_data(of: Signature) -> Iterator[str]:
    """Keys of words along a last axis."""
    yield from of.overload({"key_bits_array": array("*L 2", "u32")}, array("*L", "prng_key"))
    foreign = f"{array('...', 'u32')} | np.ndarray[Any, Any]"
    yield from of.overload({"key_bits_array": foreign}, array("...", "prng_key"))


def clone(of: Signature) -> Iterator[str]:
    """The same."""
    yield from of.overload({"key": array("*L", "D")}, array("*L", "D"))


def bernoulli(of: Signature) -> Iterator[str]:
    """The shape of the probabilities, or the one that is asked for."""
    for p, sizes in (("float = 0.5", ""), (array("*L", "F"), "*L")):
        yield from of.overload({"p": p, "shape": "None = None"}, array(sizes, "bool_"))
    for p, (written, sizes) in itertools.product((f"{array('...', 'F')} | {FOREIGN}", "float = 0.5"), shapes()):
        yield from of.overload({"p": p, "shape": written}, array(sizes, "bool_"))


def permutation(of: Signature) -> Iterator[str]:
    """The numbers below a size, or the rows of an array, in another order."""
    for x, result in (
        ("A", array("A", "i32")),
        ("int", array("?", "i32")),
        (array("*L"), array("*L")),
        ("np.ndarray[Any, Any]", array("...", "Any")),
    ):
        yield from of.overload({"x": x}, result)


@dataclass(frozen=True)
class Parametrized:
    """The shape that the parameters have together, or the one that is asked for. Parameters are numbers or arrays of
    one shape; two of them may also broadcast."""

    names: str
    default: str = "f32"

    def __call__(self, of: Signature) -> Iterator[str]:
        """All overloads."""
        names = self.names.split()
        no_shape = {"shape": "None = None"} if of.default("shape") == "None" else {}
        dtypes = ((f"type[{of.default('dtype')}] = {of.default('dtype')}", self.default), *ASKED_DTYPES)
        for (dtype, element), shape in itertools.product(dtypes, ("", "*L") if no_shape else ()):
            given = {n: self._typed(of, n, f"{NUMBER} | {array(shape, 'Any')}" if shape else NUMBER) for n in names}
            yield from of.overload({**given, **no_shape, "dtype": dtype}, array(shape, element))
        for r in GENERAL_BROADCAST[3:] if len(names) == 2 and no_shape else ():
            given = {n: array(shape, "Any") for n, shape in zip(names, r.operands, strict=True)}
            yield from of.overload({**given, **no_shape, "dtype": dtypes[0][0]}, array(r.result, self.default))
        for (written, sizes), (dtype, element) in itertools.product(shapes(), dtypes):
            yield from of.overload({"shape": written, "dtype": dtype}, array(sizes, element))
        if no_shape:
            foreign = dict.fromkeys(names, "np.ndarray[Any, Any] | float")
            yield from of.overload({**foreign, **no_shape}, array("...", "Any"))

    @staticmethod
    def _typed(of: Signature, name: str, written: str) -> str:
        default = of.default(name)
        return written if default is None else f"{written} = {default}"


def vectors(name: str, default: str = "f32") -> Rule:
    """Draws that are vectors, along the last axis of a parameter."""

    def rule(of: Signature) -> Iterator[str]:
        yield from of.overload({name: unseen("F")}, array("...", "F"))
        for dtype, element in ((f"type[{of.default('dtype')}] = {of.default('dtype')}", default), *ASKED_DTYPES):
            yield from of.overload({name: array("*L N", "F"), "shape": "None = None", "dtype": dtype},
                                   array("*L N", element))
            for written, sizes in (("tuple[()]", ""), ("tuple[A]", "A"), ("tuple[A, B]", "A B"),
                                   ("Shape[tuple[*L]]", "*L")):
                yield from of.overload({name: array("... N", "F"), "shape": written, "dtype": dtype},
                                       array(f"{sizes} N", element))
        yield from of.overload({name: "np.ndarray[Any, Any]"}, array("...", "Any"))

    return rule


def multivariate_normal(of: Signature) -> Iterator[str]:
    """Vectors of the mean's size, a square matrix of it."""
    for mean, cov, result in (("*L N", "N N", "*L N"), ("*L N", "*L N N", "*L N"), ("N", "*L N N", "*L N")):
        yield from of.overload({"mean": array(mean, "F"), "cov": array(cov, "F"), "shape": "None = None"},
                               array(result, "F"))
    for written, sizes in (("tuple[()]", ""), ("tuple[A]", "A"), ("tuple[A, B]", "A B"), ("Shape[tuple[*L]]", "*L")):
        yield from of.overload({"mean": array("... N", "F"), "cov": array("... N N", "F"), "shape": written},
                               array(f"{sizes} N", "F"))
    yield from of.overload(dict.fromkeys(("mean", "cov"), f"{unseen()} | np.ndarray[Any, Any]"), array("...", "Any"))


def categorical(of: Signature) -> Iterator[str]:
    """Without the axis of the categories, or of the shape that is asked for."""
    axes = (("Literal[-1] = -1", "*L N"), ("Literal[0]", "N *L"), ("Literal[1]", "M N *L"), ("Literal[-2]", "*L N M"))
    for axis, operand in axes:
        result = operand.replace(" N", "").replace("N ", "")
        yield from of.overload({"logits": array(operand, "F"), "axis": axis, "shape": "None = None"},
                               array(result, "i32"))
    yield from of.overload({"logits": unseen("F"), "shape": "None = None"}, array("...", "i32"))
    for written, sizes in shapes():
        yield from of.overload({"logits": array("...", "F"), "shape": written}, array(sizes, "i32"))
    yield from of.overload({"logits": FOREIGN}, array("...", "i32"))


def choice(of: Signature) -> Iterator[str]:
    """Numbers below a, or elements of a along an axis."""
    for a, element in (("int", "i32"), (array("N"), "D")):
        yield from of.overload({"a": a, "shape": "tuple[()] = ()"}, array("", element))
        for written, sizes in shapes():
            yield from of.overload({"a": a, "shape": written}, array(sizes, element))
    for written, sizes in (("tuple[()] = ()", ""), ("tuple[A]", "A"), ("Shape[tuple[K]]", "K"), ("int", "?"),
                           ("tuple[A, B]", "A B"), ("Shape[tuple[K, J]]", "K J")):
        rows_of = f"{sizes} M *L"
        yield from of.overload({"a": array("N M *L"), "shape": written, "axis": "Literal[0] = 0"}, array(rows_of))
    for a in (unseen(), "np.ndarray[Any, Any]"):
        yield from of.overload({"a": a}, array("...", "Any"))


def ball(of: Signature) -> Iterator[str]:
    """Points with d coordinates."""
    dtypes = ((f"type[{of.default('dtype')}] = {of.default('dtype')}", "f32"), *ASKED_DTYPES)
    for (dtype, element), (d, size) in itertools.product(dtypes, (("A", "A"), ("int", "?"))):
        yield from of.overload({"d": d, "shape": "tuple[()] = ()", "dtype": dtype}, array(size, element))
        yield from of.overload({"d": d, "shape": "Shape[tuple[*L]]", "dtype": dtype}, array(f"*L {size}", element))


def orthogonal(of: Signature) -> Iterator[str]:
    """Square matrices, unless the number of columns is given."""
    dtypes = ((f"type[{of.default('dtype')}] = {of.default('dtype')}", "f32"), *ASKED_DTYPES)
    sizes = (("A", "None = None", "A A"), ("A", "B", "A B"), ("int", "int | None = None", "? ?"))
    for (dtype, element), (n, m, matrix) in itertools.product(dtypes, sizes):
        for shape, result in (("tuple[()] = ()", matrix), ("Shape[tuple[*L]]", f"*L {matrix}")):
            yield from of.overload({"n": n, "m": m, "shape": shape, "dtype": dtype}, array(result, element))


SAMPLERS: dict[str, Rule] = {
    **dict.fromkeys(("gamma", "loggamma"), Parametrized("a")),
    "beta": Parametrized("a b"),
    **dict.fromkeys(("chisquare", "t"), Parametrized("df")),
    "f": Parametrized("dfnum dfden"),
    "lognormal": Parametrized("sigma"),
    "pareto": Parametrized("b"),
    "rayleigh": Parametrized("scale"),
    "wald": Parametrized("mean"),
    "weibull_min": Parametrized("scale concentration"),
    "triangular": Parametrized("left mode right"),
    "truncated_normal": Parametrized("lower upper"),
    "poisson": Parametrized("lam", "i32"),
    "geometric": Parametrized("p", "i32"),
    "binomial": Parametrized("n p"),
    **dict.fromkeys(("double_sided_maxwell", "generalized_normal"), Filled()),
    "dirichlet": vectors("alpha"),
    "multinomial": vectors("p"),
    "multivariate_normal": multivariate_normal,
    "categorical": categorical,
    "choice": choice,
    "ball": ball,
    "orthogonal": orthogonal,
}


RULES: Mapping[str, Rule] = {
    "key": key,
    "PRNGKey": key,
    "split": split,
    "fold_in": fold_in,
    "key_data": key_data,
    "wrap_key_data": wrap_key_data,
    "clone": clone,
    **{
        name: _drawn(rule)
        for name, rule in {
            "normal": Filled(),
            "uniform": Filled(),
            **dict.fromkeys(["cauchy", "exponential", "gumbel", "laplace", "logistic", "maxwell"], Filled()),
            "rademacher": Filled("i32"),
            "randint": Filled("i32"),
            "bits": Filled("u32"),
            "bernoulli": bernoulli,
            "permutation": permutation,
            **SAMPLERS,
        }.items()
    },
}
CONSTANTS = {"Key": f"Key: TypeAlias = {KEY}"}
