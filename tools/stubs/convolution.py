"""The rule of convolutions: batch and channels stand where the layouts say; sizes along the window are computed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tools.stubs.notation import array, unseen
from tools.stubs.operators import foreign
from tools.stubs.signature import Signature

SPACES = {3: "W", 4: "HW", 5: "DHW"}


def _layouts(rank: int) -> Iterator[tuple[str, str, str]]:
    """Layouts of the array, of the kernel and of the result."""
    space = SPACES[rank]
    arrays, kernels = (f"NC{space}", f"N{space}C"), (f"OI{space}", f"{space}IO", f"O{space}I")
    yield from itertools.product(arrays, kernels, arrays)


def _sizes(layout: str, names: Mapping[str, str], space: Sequence[str]) -> str:
    rest = iter(space)
    return " ".join([names[c] if c in names else next(rest) for c in layout])


@dataclass(frozen=True)
class Convolution:
    """Batch and channels, in literal layouts. `default`: the rank's layouts where none is given."""

    groups: bool = True
    layouts: bool = True
    channels_last: bool = False

    def __call__(self, of: Signature) -> Iterator[str]:
        """All overloads."""
        first, kernel = of.arguments[:2]
        for one, other in ((unseen("F"), array("...", "F")), (array("...", "F"), unseen("F"))):
            yield from of.overload({first: one, kernel: other}, array("...", "F"))
        for rank in (4, 3, 5):
            usual = next(_layouts(rank)) if not self.channels_last else [*_layouts(rank)][9]
            yield from self._rows(of, usual, "None = None" if self.layouts else "")
            for layouts in _layouts(rank) if self.layouts else ():
                written = "tuple[{}]".format(", ".join([f'Literal["{x}"]' for x in layouts]))
                yield from self._rows(of, layouts, written)
        for rank in (3, 4, 5) if self.layouts else ():
            shape = array(" ".join("?" * rank), "F")
            types = {first: shape, kernel: shape, "dimension_numbers": "ConvDimensionNumbers"}
            yield from of.overload(types, shape)
        for rank in (3, 4, 5) if "transpose_kernel" in of.arguments else ():
            shape = array(" ".join("?" * rank), "F")
            yield from of.overload({first: shape, kernel: shape, "transpose_kernel": "Literal[True]"}, shape)
        yield from foreign(of, first, kernel)

    def _rows(self, of: Signature, layouts: tuple[str, str, str], written: str) -> Iterator[str]:
        array_layout, kernel_layout, result_layout = layouts
        space = ["Q", "R", "P"]
        for groups, channels in (("Literal[1] = 1", "M"), ("int", "J"))[: 1 + self.groups]:
            operands = {
                of.arguments[0]: array(_sizes(array_layout, {"N": "N", "C": "M"}, space), "F"),
                of.arguments[1]: array(_sizes(kernel_layout, {"O": "K", "I": channels}, "???"), "F"),
            }
            more = {"dimension_numbers": written} if written else {}
            more |= {"feature_group_count": groups} if self.groups else {}
            more |= {"transpose_kernel": "Literal[False] = False"} if "transpose_kernel" in of.arguments else {}
            result = array(_sizes(result_layout, {"N": "N", "C": "K"}, "???"), "F")
            yield from of.overload({**operands, **more}, result)
