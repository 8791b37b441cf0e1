"""In which order einsum contracts its operands, two at a time: exact for few of them, greedy for many.

The cost of a step is the number of its multiplications and additions: the product of the sizes of all letters of both
operands, twice that where something is summed over. The exact order is found by dynamic programming over subsets of
operands, the greedy one by always taking the pair that shrinks memory most (D. G. A. Smith and J. Gray, "opt_einsum",
2018, describe both).
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from lantern.lax.operands import argument_error, as_sequence

Path: TypeAlias = tuple[tuple[int, ...], ...]       # positions of operands that a step takes away; its result goes last
Method: TypeAlias = "str | Path"

EXACT = 10      # operands: 3 ** 10 ways to split subsets take 50 ms
METHODS = ("optimal", "greedy", "auto", "naive")


@dataclass(frozen=True, slots=True)
class Step:
    """One contraction: the letters of what goes in and of what comes out, its operations and its size."""

    inputs: tuple[str, ...]
    result: str
    operations: int
    size: int


def canonical_method(function: str, optimize: Any) -> Method:
    """What `optimize=` means: a method, or a path; "auto" and True are the best one for the number of operands.

    Raises ArgumentError for anything else.

    >>> canonical_method("einsum", True), canonical_method("einsum", ["einsum_path", (0, 1)])
    ('auto', ((0, 1),))
    """
    if isinstance(optimize, bool) or optimize is None:
        return "auto" if optimize else "naive"
    if optimize in METHODS:
        return optimize
    steps = as_sequence(optimize)
    steps = steps[1:] if steps[:1] in (["einsum_path"], ("einsum_path",)) else steps
    if isinstance(optimize, str) or not all([isinstance(s, (tuple, list)) for s in steps]):
        raise argument_error(f"{function}: optimize must be a bool, one of {', '.join(METHODS)}, or a path as "
                             f"einsum_path returns it, got {optimize!r}")
    return tuple([tuple([int(k) for k in s]) for s in steps])


def contraction_path(function: str, inputs: Sequence[str], out: str, sizes: Mapping[str, int],
                     method: Method) -> Path:
    """The steps for operands of the given letters; "optimal" is exact for up to EXACT operands, greedy beyond.

    Raises ArgumentError for a path that does not fit the operands.

    >>> contraction_path("einsum", ["ij", "jk", "k"], "i", {"i": 2, "j": 300, "k": 400}, "optimal")
    ((1, 2), (0, 1))
    """
    count = len(inputs)
    if not isinstance(method, str):
        return _checked(function, method, count)
    if count <= 2 or method == "naive":
        return ((0, 1), *[(0, count - k) for k in range(2, count)]) if count > 1 else ()
    network = _Network.of(inputs, out, sizes)
    return _positions(_exact(network) if count <= EXACT and method != "greedy" else _greedy(network), count)


def _checked(function: str, path: Path, count: int) -> Path:
    left = count
    for step in path:
        if len(set(step)) != len(step) or not step or not all([0 <= k < left for k in step]):
            raise argument_error(f"{function}: the step {step} of the path {list(path)} does not fit {left} operands")
        left += 1 - len(step)
    return path if left == 1 else (*path, tuple(range(left)))


@dataclass(frozen=True, slots=True)
class _Network:
    """Operands as sets of letters, each a bit."""

    terms: tuple[int, ...]
    out: int
    letter_sizes: tuple[int, ...]
    known: dict[int, int]       # set of letters -> size

    @staticmethod
    def of(inputs: Sequence[str], out: str, sizes: Mapping[str, int]) -> _Network:
        letters = list(sizes)

        def bits(labels: str) -> int:
            return sum([1 << letters.index(c) for c in set(labels)])

        return _Network(tuple([bits(t) for t in inputs]), bits(out), tuple(sizes.values()), {})

    def size(self, letters: int) -> int:
        """Number of elements of an array with these letters."""
        found = self.known.get(letters)
        if found is None:
            found = 1
            for k, n in enumerate(self.letter_sizes):
                if letters >> k & 1:
                    found *= n
            self.known[letters] = found
        return found

    def operations(self, both: int, kept: int) -> int:
        """What a step costs whose operands have the letters `both`, and its result `kept`."""
        return self.size(both) * (1 if both == kept else 2)


_Pair: TypeAlias = tuple[int, int]      # operands by number: those given come first, then the results in order


def _exact(network: _Network) -> list[_Pair]:
    """The cheapest order; of equals, the one that writes least."""
    count = len(network.terms)
    everything = (1 << count) - 1
    union = [0] * (everything + 1)
    for subset in range(1, everything + 1):
        lowest = subset & -subset
        union[subset] = union[subset ^ lowest] | network.terms[lowest.bit_length() - 1]
    kept = [union[s] & (union[everything ^ s] | network.out) for s in range(everything + 1)]
    best: dict[int, tuple[int, int, int]] = {}      # subset -> (operations, elements written, first half)
    for k, term in enumerate(network.terms):
        best[1 << k], kept[1 << k] = (0, 0, 0), term
    for subset in range(3, everything + 1):
        if subset & (subset - 1):
            best[subset] = _best_split(network, kept, best, subset)
    pairs: list[_Pair] = []

    def numbered(subset: int) -> int:
        half = best[subset][2]
        if not half:
            return subset.bit_length() - 1
        pairs.append((numbered(half), numbered(subset ^ half)))
        return count + len(pairs) - 1

    numbered(everything)
    return pairs


def _best_split(network: _Network, kept: Sequence[int], best: Mapping[int, tuple[int, int, int]],
                subset: int) -> tuple[int, int, int]:
    lowest = subset & -subset
    written = network.size(kept[subset])
    rest = subset ^ lowest
    half = rest
    found: tuple[int, int, int] | None = None
    while half:     # the subsets of `rest`: the other half, which holds the lowest, is what remains
        half = (half - 1) & rest
        first, second = half | lowest, rest ^ half
        cost = network.operations(kept[first] | kept[second], kept[subset])
        a, b = best[first], best[second]
        candidate = (a[0] + b[0] + cost, a[1] + b[1] + written, first)
        if found is None or candidate < found:
            found = candidate
    assert found is not None, "internal: a subset of two operands or more can be split"
    return found


def _greedy(network: _Network) -> list[_Pair]:
    """Always the pair whose product is smallest compared with its operands; of equals, the cheapest."""
    terms = dict(enumerate(network.terms))
    pairs: list[_Pair] = []
    while len(terms) > 1:
        once = twice = thrice = 0       # letters that occur in so many terms, or more; the result counts, too
        for term in (*terms.values(), network.out):
            thrice |= twice & term
            twice |= once & term
            once |= term
        found: tuple[int, int, _Pair] | None = None
        numbers = list(terms)
        for i, a in enumerate(numbers):
            for b in numbers[i + 1:]:
                both, common = terms[a] | terms[b], terms[a] & terms[b]
                kept = (both & ~common & twice) | (common & thrice)
                growth = network.size(kept) - network.size(terms[a]) - network.size(terms[b])
                candidate = (growth, network.operations(both, kept), (a, b))
                if found is None or candidate < found:
                    found = candidate
        assert found is not None, "internal: two terms make a pair"
        a, b = found[2]
        both, common = terms[a] | terms[b], terms.pop(a) & terms.pop(b)
        terms[len(network.terms) + len(pairs)] = (both & ~common & twice) | (common & thrice)
        pairs.append((a, b))
    return pairs


def _positions(pairs: Sequence[_Pair], count: int) -> Path:
    """Numbers of operands as their positions among those that are left."""
    left = list(range(count))
    path: list[tuple[int, ...]] = []
    for k, pair in enumerate(pairs):
        path.append(tuple(sorted([left.index(number) for number in pair])))
        left = [n for n in left if n not in pair] + [count + k]
    return tuple(path)


def kept_letters(terms: Sequence[str], others: Sequence[str]) -> str:
    """The letters of a product: those that are needed later, shared ones first, as a product of two arrays has them."""
    later, joined = set("".join(others)), "".join(terms)
    needed = [c for c in dict.fromkeys(joined) if c in later]
    return "".join(sorted(needed, key=lambda c: not all([c in t for t in terms])))


def steps_of(inputs: Sequence[str], out: str, sizes: Mapping[str, int], path: Path) -> list[Step]:
    """What each step of a path computes.

    >>> [(s.result, s.operations) for s in steps_of(["ij", "jk"], "ik", {"i": 2, "j": 3, "k": 4}, ((0, 1),))]
    [('ik', 48)]
    """
    left = list(inputs)
    found: list[Step] = []
    for number, step in enumerate(path):
        taken = [left[k] for k in step]
        left = [t for k, t in enumerate(left) if k not in step]
        result = kept_letters(taken, [*left, out]) if number + 1 < len(path) else out
        letters = set("".join(taken))
        volume, size = [_product([sizes[c] for c in labels]) for labels in (letters, result)]
        summed = letters != set(result)
        found.append(Step(tuple(taken), result, volume * (max(len(step) - 1, 1) + summed), size))
        left.append(result)
    return found


def _product(sizes: Sequence[int]) -> int:
    found = 1
    for n in sizes:
        found *= n
    return found
