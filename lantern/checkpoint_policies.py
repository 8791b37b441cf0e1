"""What `lantern.checkpoint` keeps for the derivative: functions `(primitive, *operand avals, **params) -> bool`.

True: what the operation gives is saved. Whatever is not saved is computed again when the derivative needs it.
"""
from __future__ import annotations

from typing import Any

from lantern.ops.dot import dot_general_p
from lantern.trace.aval import ShapedArray
from lantern.trace.primitive import Primitive
from lantern.transforms.remat import Names, Policy
from lantern.transforms.remat import nothing_saveable as nothing_saveable


def everything_saveable(primitive: Primitive, *avals: ShapedArray, **params: Any) -> bool:
    """Keep all that the derivative needs, as without `checkpoint`."""
    return True


def dots_saveable(primitive: Primitive, *avals: ShapedArray, **params: Any) -> bool:
    """Keep the results of matrix products."""
    return primitive is dot_general_p


def dots_with_no_batch_dims_saveable(primitive: Primitive, *avals: ShapedArray, **params: Any) -> bool:
    """Keep the results of matrix products without batch axes: of activations with weights, not of attention."""
    return primitive is dot_general_p and not params["batch"][0]


checkpoint_dots = dots_saveable
checkpoint_dots_with_no_batch_dims = dots_with_no_batch_dims_saveable


def save_only_these_names(*names: str) -> Policy:
    """Keep the values that `checkpoint_name` gave one of these names, and nothing else."""
    return Names(frozenset(names), saves=True)


def save_anything_except_these_names(*names: str) -> Policy:
    """Keep all values but those that `checkpoint_name` gave one of these names."""
    return Names(frozenset(names), saves=False)


def save_from_both_policies(first: Policy, second: Policy) -> Policy:
    """Keep what either policy keeps."""
    def policy(primitive: Primitive, *avals: ShapedArray, **params: Any) -> bool:
        return first(primitive, *avals, **params) or second(primitive, *avals, **params)

    return policy
