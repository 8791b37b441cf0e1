"""The rule of `einsum`: subscripts that are written in the program are rows, as `ij,jk->ik` is `N M, M K -> N K`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from tools.stubs.notation import SIZES, Row, array, decided, unseen
from tools.stubs.signature import Parameter, Signature

# Subscripts as programs write them, the most usual first. Those of one line are one row, if their letters stand alike.
SUBSCRIPTS = """
ij,jk->ik  ik,kj->ij  ab,bc->ac  mk,kn->mn  nd,dh->nh  bi,ij->bj  bd,dh->bh
bij,bjk->bik  bik,bkj->bij  bnm,bmk->bnk  ...ij,...jk->...ik
i,j->ij  i,j->ji  n,m->nm
bqhd,bkhd->bhqk  bthd,bshd->bhts  bihd,bjhd->bhij
bhqk,bkhd->bqhd  bhts,bshd->bthd  bhij,bjhd->bihd
bhqd,bhkd->bhqk  bhid,bhjd->bhij
bhqk,bhkd->bhqd  bhij,bhjd->bhid
bqd,bkd->bqk  bid,bjd->bij  bik,bjk->bij
bqk,bkd->bqd
qhd,khd->hqk  ihd,jhd->hij
hqk,khd->qhd  hij,jhd->ihd
btd,dhk->bthk  btd,dhe->bthe  bsd,dhk->bshk
bthk,hkd->btd  bthe,hed->btd
btd,df->btf  bsd,df->bsf  bij,jk->bik  bti,io->bto
...i,ij->...j  ...d,dh->...h  ...k,km->...m
ij,j->i  nd,d->n
i,ij->j
bij,bj->bi
i,i->  j,j->
ij,ij->  ij,ij->i  bi,bi->b  nd,nd->n
bij,bij->b
...i,...i->...
bi,bj->bij  ni,nj->nij  bi,bj->ij  ni,nj->ij
ij,kj->ik  ik,jk->ij  nd,md->nm
ki,kj->ij  ji,jk->ik
ij->ji  ij->  ij->i  ij->j  ii->  ii->i  bii->b  bij->bji  ijk->kji  bhwc->bchw  bchw->bhwc  bthd->bhtd  bhtd->bthd
bij->bi  bij->bj
ij,jk,kl->il
"""


def read(subscripts: str) -> Row:
    """Letters become sizes, in the order in which they come; the dots any number of them.

    >>> read("bij,bj->bi")
    Row(operands=('N M K', 'N K'), result='N M')
    """
    names: dict[str, str] = dict(zip(dict.fromkeys(re.findall("[a-z]", subscripts)), SIZES, strict=False))
    left, _, right = subscripts.partition("->")
    operands, result = [_words(part, names) for part in left.split(",")], _words(right, names)
    return Row(tuple(operands), result)


def _words(part: str, names: dict[str, str]) -> str:
    return " ".join(["*L" if word == "..." else names[word] for word in re.findall(r"\.{3}|[a-z]", part)])


def table() -> dict[Row, list[str]]:
    """The rows, each with the subscripts that mean it."""
    found: dict[Row, list[str]] = {}
    for subscripts in SUBSCRIPTS.split():
        found.setdefault(read(subscripts), []).append(subscripts)
    return found


def literals(subscripts: list[str]) -> str:
    """The type of these subscripts."""
    return f"Literal[{', '.join([repr(s) for s in subscripts])}]".replace("'", '"')


def einsum(of: Signature) -> Iterator[str]:
    """Known subscripts row by row, and a refusal for operands that do not fit them; others give an unknown shape."""

    def overload(subscripts: str, operands: list[str], result: str) -> list[str]:
        given = tuple([Parameter(name, "/", type_, None) for name, type_ in zip("abc", operands, strict=False)])
        first, options = of.parameters[0], of.parameters[2:]
        return replace(of, parameters=(first, *given, *options)).overload({first.name: subscripts}, result)

    unknown = Parameter("a", "/", unseen(), None)
    first_unknown = replace(of, parameters=(of.parameters[0], unknown, *of.parameters[1:]))
    yield from first_unknown.overload({of.arguments[0]: "str"}, array("..."))
    yield from overload("str", [array("..."), unseen()], array("..."))
    for r, subscripts in table().items():
        yield from overload(literals(subscripts), [decided(array(shape)) for shape in r.operands], array(r.result))
    known = [s for subscripts in table().values() for s in subscripts]
    for count in (1, 2, 3):
        misfits = [s for s in known if len(s.split(",")) == count]
        yield from overload(literals(misfits), ["Array"] * count, "SizesDoNotFit")
    subscripts, operands = of.arguments[:2]
    yield from of.overload({subscripts: "str", operands: f"*{operands}: {array('...')}"}, array("..."))
    yield from of.overload({}, array("...", "Any"))
