"""How much of the public surface has shapes in its types: `python -m tools.coverage` writes it into
docs/typed-shapes.md; `--check` only says whether the page is current.

The grade of a function is read from the text of its stub. Overloads for operands of unknown shape, and for ranks above
four, may give an unknown shape; of the others the worst one counts.
"""

from __future__ import annotations

import argparse
import ast
import functools
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from tools.coverage_exceptions import NO_SHAPES, SIZES_BEYOND_TYPES, VECTORS_AND_MATRICES, words
from tools.stubs.files import texts
from tools.stubs.package import exported
from tools.stubs.signature import ROOT, path_of, source

PAGE = ROOT / "docs" / "typed-shapes.md"
BEGIN, END = "<!-- coverage: written by `python -m tools.coverage` -->", "<!-- end of coverage -->"
NAMES = ROOT / "tools" / "parity_names.toml"
MODULES = {
    "lantern": "lantern",
    "numpy": "lantern.numpy",
    "numpy.linalg": "lantern.numpy.linalg",
    "numpy.fft": "lantern.numpy.fft",
    "lax": "lantern.lax",
    "nn": "lantern.nn",
    "random": "lantern.random",
    "scipy.special": "lantern.scipy.special",
    "scipy.linalg": "lantern.scipy.linalg",
    "scipy.stats.norm": "lantern.scipy.stats.norm",
}
MOST_RANKS = range(5)

# A plain int, or a list, as one of these says nothing of a size; a named size does.
SIZE_PARAMETERS = frozenset(words("shape num num_classes N M n m k d s x size sizes length slice_size"))


class Grade(Enum):
    """What the types say of a result."""

    EXACT = "exact"
    PARTLY = "partly known"
    UNKNOWN = "unknown"
    NO_SHAPE = "not about shapes"


@dataclass(frozen=True)
class Found:
    """What the type of a result holds: arrays with all sizes or type variables; sizes that are Any; unknown shapes."""

    known: bool = False
    open_size: bool = False
    unknown: bool = False


def read_type(node: ast.expr | None) -> Found:
    """What a type holds, its parts included.

    >>> read_type(ast.parse("tuple[Array[D, Any], int]").body[0].value)
    Found(known=False, open_size=True, unknown=False)
    """
    match node:
        case ast.Constant(value=str() as text):
            return read_type(ast.parse(text, mode="eval").body)
        case ast.Subscript(value=ast.Name(id="Array"), slice=ast.Tuple(elts=[_, *sizes])):
            words = [ast.unparse(s) for s in sizes]
            unknown = "*tuple[Any, ...]" in words
            opened = "Any" in words
            return Found(not unknown and not opened, opened, unknown)
        case ast.Name(id="Array" | "Any"):
            return Found(unknown=True)
        case ast.Name(id=name):
            return Found(known=name == "Self" or (len(name) <= 2 and name.isupper()))
        case ast.AST():
            parts = [read_type(c) for c in ast.iter_child_nodes(node) if isinstance(c, ast.expr)]
            return Found(any(p.known for p in parts), any(p.open_size for p in parts), any(p.unknown for p in parts))
        case _:
            return Found()


def parameters(function: ast.FunctionDef) -> list[tuple[str, str]]:
    """Names and types of all parameters."""
    a = function.args
    every = [*a.posonlyargs, *a.args, *([a.vararg] if a.vararg else []), *a.kwonlyargs]
    return [(p.arg, ast.unparse(p.annotation) if p.annotation else "") for p in every]


def ranks(types: Sequence[str]) -> set[int]:
    """The ranks, up to four, of the first operand of which the sizes are told; keys and functions are none."""
    for text in types:
        found = None if "prng_key" in text or text.startswith("Callable") else _ranks_of(text)
        if found is not None:
            return {*found}
    return set(MOST_RANKS)


@functools.cache
def _ranks_of(text: str) -> frozenset[int] | None:
    if "Array[" not in text:
        return None
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Subscript(value=ast.Name(id="Array"), slice=ast.Tuple(elts=[_, *sizes])):
                parts = [ast.unparse(s) for s in sizes]
                own = [w for w in parts if not w.startswith("*")]
                packed = any(w.startswith("*") and w != "*tuple[()]" for w in parts)
                return frozenset([r for r in MOST_RANKS if r == len(own) or (packed and r > len(own))])
            case _:
                continue
    return None


def takes_unknown(types: Sequence[str]) -> bool:
    """Whether some operand has no known shape: an unknown array, a NumPy value, anything that becomes an array."""
    return any(word in text for text in types for word in ("Unseen", "np.ndarray", "np.generic", "ArrayLike"))


def has_plain_size(function: ast.FunctionDef) -> bool:
    """Whether a size is asked for by a number of which the types know nothing."""
    return any(n in SIZE_PARAMETERS and re.match(r"int|float|list|Sequence|tuple\[int", t)
               for n, t in parameters(function))


def grade(name: str, overloads: Sequence[ast.FunctionDef]) -> Grade:
    """The grade of one function."""
    results = [read_type(f.returns) for f in overloads]
    if name in NO_SHAPES or not any(r.known or r.open_size or r.unknown for r in results):
        return Grade.NO_SHAPE
    if len(overloads) == 1 and not results[0].unknown:
        return Grade.PARTLY if results[0].open_size and name not in SIZES_BEYOND_TYPES else Grade.EXACT
    kept: list[Found] = []
    covered: set[int] = set()
    by_rank: dict[tuple[str, ...], set[int]] = {}
    for f, r in zip(overloads, results, strict=True):
        types = [t for _, t in parameters(f)]
        rest = tuple([t for t in types if "Array[" not in t])
        if r.open_size and has_plain_size(f):
            r = Found(known=True, unknown=r.unknown)
        if not r.unknown:
            covered |= ranks(types)
            by_rank.setdefault(rest, set()).update(ranks(types))
            kept.append(r)
        elif not takes_unknown(types) and not by_rank.get(rest, set()) >= set(MOST_RANKS):
            kept.append(r)
    if not kept or all(r.unknown for r in kept):
        return Grade.UNKNOWN
    opened = any(r.open_size for r in kept) and name not in SIZES_BEYOND_TYPES
    all_ranks = covered >= set(range(min(covered, default=0), 5)) or name in VECTORS_AND_MATRICES
    return Grade.PARTLY if opened or not all_ranks or any(r.unknown for r in kept) else Grade.EXACT


def _functions(body: Sequence[ast.stmt]) -> dict[str, list[ast.FunctionDef]]:
    """Functions by name, each with its overloads; what is a protocol or a descriptor has those of its class."""
    found: dict[str, list[ast.FunctionDef]] = {}
    classes = {n.name: n for n in body if isinstance(n, ast.ClassDef)}
    for node in body:
        match node:
            case ast.FunctionDef(name=name):
                found.setdefault(name, []).append(node)
            case ast.AnnAssign(target=ast.Name(id=name), annotation=ast.Name(id=kind)) if kind in classes:
                calls = [n for n in classes[kind].body if isinstance(n, ast.FunctionDef)]
                found[name] = [n for n in calls if n.name in ("__call__", "__get__")]
            case _:
                continue
    # In a source the implementation stands behind its overloads.
    return {n: [f for f in fs if len(fs) == 1 or f.decorator_list] or fs for n, fs in found.items()}


def _tree(module: str, stubs: Mapping[str, str]) -> ast.Module:
    return ast.parse(stubs[module]) if module in stubs else source(module)


def functions(module: str, stubs: Mapping[str, str]) -> dict[str, list[ast.FunctionDef]]:
    """The public functions of a module: its own, and those that it exports."""
    own = _functions(_tree(module, stubs).body)
    read: dict[str, dict[str, list[ast.FunctionDef]]] = {}
    for where, name, here in exported(module):
        if here not in own and path_of(where).exists():
            theirs = read[where] if where in read else read.setdefault(where, _functions(_tree(where, stubs).body))
            own |= {here: theirs[name]} if name in theirs else {}
    return {n: own[n] for n in sorted(own) if not n.startswith("_")}


def _methods(module: str, kind: str, stubs: Mapping[str, str]) -> dict[str, list[ast.FunctionDef]]:
    body = _tree(module, stubs).body
    found = next(n for n in body if isinstance(n, ast.ClassDef) and n.name == kind)
    helpers = [n for n in body if isinstance(n, ast.ClassDef) and n.name in ("Reversed", "Swapped")]
    every = _functions([*found.body, *helpers])
    return {n: f for n, f in sorted(every.items()) if not n.startswith("_") or n == "__getitem__"}


@functools.cache
def namespaces() -> dict[str, dict[str, Grade]]:
    """The grade of each public function, by namespace."""
    stubs = {".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): t
             for p, t in texts().items()}
    found = {title: functions(module, stubs) for title, module in MODULES.items()}
    found["Array"] = _methods("lantern.trace.array", "Array", stubs)
    found["Array.at"] = _methods("lantern.numpy.at", "AtIndex", stubs)
    return {title: {n: grade(n, f) for n, f in names.items()} for title, names in found.items()}


def of_tier(tier: str, graded: Mapping[str, Mapping[str, Grade]]) -> list[tuple[str, Grade]]:
    """The names of a tier that are about shapes, each with its grade."""
    sections = tomllib.loads(NAMES.read_text(encoding="utf-8"))
    return [(f"{title}.{name}", graded[title][name]) for title, tiers in sections.items() if title in graded
            for name in tiers.get(tier, "").split()
            if name in graded[title] and graded[title][name] is not Grade.NO_SHAPE]


def share(grades: Sequence[Grade]) -> str:
    """How many are exact, in per cent."""
    return f"{100 * grades.count(Grade.EXACT) / len(grades):.0f} %" if grades else ""


def page() -> Iterator[str]:
    """The lines between the marks."""
    graded = namespaces()
    yield from ("| namespace | exact | partly known | unknown | exact of those about shapes | not about shapes |",
                "| --- | --- | --- | --- | --- | --- |")
    for title, names in graded.items():
        values = [*names.values()]
        about = [g for g in values if g is not Grade.NO_SHAPE]
        counts = [str(values.count(g)) for g in (Grade.EXACT, Grade.PARTLY, Grade.UNKNOWN)]
        yield f"| `{title}` | {' | '.join(counts)} | {share(about)} | {len(values) - len(about)} |"
    for tier, which in (("T1", "six programs or more"), ("T2", "two to five")):
        found = of_tier(tier, graded)
        exact = [g for _, g in found].count(Grade.EXACT)
        yield ""
        yield (f"Of the {len(found)} names about shapes that {which} of 32 well-known repositories call, {exact} "
               f"({share([g for _, g in found])}) are exact.")
        if tier == "T1":
            yield f"The others: {', '.join([f'`{n}`' for n, g in found if g is not Grade.EXACT])}."
    yield from ("", "A size that the types cannot compute is `Any` in a result that counts as exact:", "",
                "| because | functions |", "| --- | --- |")
    by_reason: dict[str, list[str]] = {}
    for name, why in SIZES_BEYOND_TYPES.items():
        by_reason.setdefault(why, []).append(f"`{name}`")
    yield from [f"| {why} | {' '.join(names)} |" for why, names in by_reason.items()]
    for which in Grade:
        yield from ("", "<details>", f"<summary>All that is {which.value}</summary>", "")
        for title, names in graded.items():
            listed = [n for n, g in names.items() if g is which]
            if listed:
                yield f"- `{title}`: {' '.join([f'`{n}`' for n in listed])}"
        yield from ("", "</details>")


def current(text: str) -> str:
    """The page with today's figures."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n" + "\n".join(page()) + f"\n{END}{after}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    parser = argparse.ArgumentParser("python -m tools.coverage", description="Write how much of lantern has shapes.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the page is not current")
    options = parser.parse_args(arguments)
    text = PAGE.read_text(encoding="utf-8")
    new = current(text)
    if not options.check:
        PAGE.write_text(new, encoding="utf-8")
    graded = namespaces()
    for tier in ("T1", "T2"):
        sys.stdout.write(f"{tier}: {share([g for _, g in of_tier(tier, graded)])} exact\n")
    return 1 if options.check and new != text else 0


if __name__ == "__main__":
    raise SystemExit(main())
