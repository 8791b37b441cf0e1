"""Random numbers from keys: the same key gives the same numbers, on every device.

A key is an element of its own dtype, `key<fry>`: a batch of keys is an array of them, and nothing takes them for
numbers. Bits, integers, uniforms, Bernoulli draws and permutations are
equal bit for bit on all devices, normals within 4 ulp. Bits come from the counter-based cipher threefry-2x32 with the
counters of JAX's partitionable generator, so `split`, `fold_in`, `bits`, `uniform`, `randint` and `permutation` give
JAX's numbers too.

Never use a key twice: `split` it, or `fold_in` a number. `lantern.debug.key_reuse` looks for keys used twice.
"""
from __future__ import annotations

from lantern.absent import Absent
from lantern.random.bits import bits as bits
from lantern.random.draws import bernoulli as bernoulli
from lantern.random.draws import normal as normal
from lantern.random.draws import uniform as uniform
from lantern.random.integers import randint as randint
from lantern.random.keys import PRNGKey as PRNGKey
from lantern.random.keys import clone as clone
from lantern.random.keys import fold_in as fold_in
from lantern.random.keys import key as key
from lantern.random.keys import key_data as key_data
from lantern.random.keys import key_impl as key_impl
from lantern.random.keys import split as split
from lantern.random.keys import wrap_key_data as wrap_key_data
from lantern.random.permutations import permutation as permutation
from lantern.typing import Key as Keys

Key = Keys[()]    # one key

__getattr__ = Absent(__name__)
