"""What to use instead of names that lantern leaves out: for each module, names and the cure. Names of lantern stand in
backquotes, as seen from `lantern`."""
from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Hints: TypeAlias = Mapping[str, str]        # names, separated by blanks -> the cure

_HOST = "call SciPy's or NumPy's outside the program, and give the result to `numpy.asarray`"
_POLYNOMIALS = "evaluate polynomials with `numpy.polyval`, or call NumPy's on the coefficients"
_ONE_DEVICE = "a program runs on one device, and named axes are those of `vmap`"

_NUMPY: Hints = {
    "polyfit": "build the columns with `numpy.stack` of powers, and solve with `numpy.linalg.lstsq`",
    "poly polyadd polyder polydiv polyint polymul polysub roots": _POLYNOMIALS,
    "bartlett blackman hamming hanning kaiser": "windows are constants: " + _HOST,
    "i0": "use `scipy.special.i0`",
    "sinc": "use `numpy.sin`, and `numpy.where` for x == 0 before and after the division by pi * x",
    "fmod": "use `lax.rem`, which has the sign of the dividend, or `numpy.remainder`",
    "spacing": "use `numpy.nextafter` and the difference",
    "cbrt": "use `numpy.sign` and `numpy.power`: sign(x) * abs(x) ** (1 / 3)",
    "degrees": "use `numpy.rad2deg`",
    "radians": "use `numpy.deg2rad`",
    "gcd lcm": "integers of shapes and settings: use math.gcd; of arrays: `lax.while_loop` with `lax.rem`",
    "bitwise_count": "use `lax.population_count`",
    "packbits unpackbits": "use `numpy.right_shift` by `numpy.arange`, and `numpy.bitwise_and`",
    "unwrap": "use `numpy.diff`, `numpy.round` and `numpy.cumsum`",
    "histogramdd": "use `numpy.histogram2d`, or `numpy.searchsorted` for each axis and `numpy.bincount`",
    "vander": "use `numpy.power` of x[:, None] and `numpy.arange`",
    "matvec vecmat": "use `numpy.matmul` or `numpy.einsum`",
    "sort_complex": "complex numbers have no order: use `numpy.argsort` of the real part or of the absolute value",
    "trim_zeros": "the size would depend on values: use `numpy.nonzero` outside the program",
    "delete insert resize": "sizes are fixed: join slices with `numpy.concatenate`",
    "put place fill_diagonal": "arrays are immutable: use x.at[indices].set(values), or `numpy.where`",
    "rollaxis": "use `numpy.moveaxis`",
    "dsplit": "use `numpy.split` with axis=2",
    "diagflat": "use `numpy.diag` of `numpy.ravel`",
    "mask_indices": "use `numpy.nonzero` outside the program",
    "ogrid mgrid": "use `numpy.meshgrid`",
    "r_ c_": "use `numpy.concatenate` or `numpy.stack`",
    "s_ index_exp": "use Python's slice objects, or x[...] itself",
    "around": "use `numpy.round`",
    "array_equiv": "use `numpy.array_equal` of `numpy.broadcast_arrays`",
    "frompyfunc ufunc": "use `numpy.vectorize`; for functions of the host `pure_callback`",
    "fromfile fromiter fromstring frombuffer": "read with NumPy, and give the result to `numpy.asarray`",
    "iterable": "use Python's iter",
    "euler_gamma": "write 0.5772156649015329",
    "ComplexWarning character flexible object_": "arrays hold numbers and bools; the classes are NumPy's",
    "int_ uint float_ complex_": "write the width: `numpy.int32`, `numpy.uint32`, `numpy.float32` or `numpy.complex64`",
    "float4_e2m1fn float6_e2m3fn float6_e3m2fn float8_e3m4 float8_e4m3 float8_e4m3b11fnuz float8_e4m3fn "
    "float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu":
        "the smallest floats are `numpy.float16` and `numpy.bfloat16`; `lax.reduce_precision` rounds to fewer bits",
    "int1 int2 int4 uint1 uint2 uint4": "the smallest integers are `numpy.int8` and `numpy.uint8`",
}

_LAX: Hints = {
    "acos": "use `numpy.arccos`", "acosh": "use `numpy.arccosh`", "asin": "use `numpy.arcsin`",
    "asinh": "use `numpy.arcsinh`", "atan": "use `numpy.arctan`", "atanh": "use `numpy.arctanh`",
    "cosh": "use `numpy.cosh`", "sinh": "use `numpy.sinh`", "exp2": "use `numpy.exp2`",
    "cbrt": "use `numpy.sign` and `numpy.power`: sign(x) * abs(x) ** (1 / 3)",
    "mulhi": "convert to a wider dtype, multiply and use `lax.shift_right_logical`",
    "split": "use `numpy.split`", "stack": "use `numpy.stack`", "unstack": "use `numpy.unstack`",
    "tile": "use `numpy.tile`", "empty": "use `numpy.empty`",
    "broadcast_like broadcast_to_rank": "use `numpy.broadcast_to` or `lax.expand_dims`",
    "reduce_xor": "use `lax.reduce` with `lax.bitwise_xor`",
    "conv_general_dilated_local": "use `lax.conv_general_dilated_patches` and `numpy.einsum`",
    "conv_general_permutations conv_general_shape_tuple conv_shape_tuple conv_transpose_shape_tuple "
    "ConvGeneralDilatedDimensionNumbers": "give dimension numbers to `lax.conv_general_dilated`; `eval_shape` tells "
                                          "the result's shape",
    "ragged_dot ragged_dot_general RaggedDotDimensionNumbers": "use `lax.dot_general` with a batch axis and masks",
    "scaled_dot DotAlgorithm DotAlgorithmPreset": "use `lax.dot_general`: products of f32 are summed in f32",
    "AccuracyMode Tolerance RoundingMethod": "functions have one accuracy, and `lax.round` rounds half to even",
    "scatter_apply": "use `lax.gather`, the function, and `lax.scatter`",
    "rng_uniform rng_bit_generator RandomAlgorithm": "use `random.uniform` or `random.bits`",
    "optimization_barrier": "use `checkpoint`, whose second computation stands behind a barrier",
    "platform_dependent": "decide in Python by `default_backend`",
    "after_all create_token dce_sink": "callbacks keep their order: `debug.callback` and `pure_callback`",
    "composite stage": "use `jit`, or `custom_jvp` and `custom_vjp`",
    "shape_as_value": "use x.shape: shapes are Python's",
    "pbroadcast pcast pswapaxes precv psend ragged_all_to_all":
        _ONE_DEVICE + ": `lax.all_gather`, `lax.all_to_all` and `lax.ppermute`",
}

_LAX_LINALG: Hints = {
    "cholesky_update": "use `lax.linalg.cholesky` of the changed matrix",
    "hessenberg schur tridiagonal qdwh": "`lax.linalg.qr`, `lax.linalg.eigh` and `lax.linalg.svd` are what there is; "
                                         + _HOST,
    "ormqr": "use `lax.linalg.householder_product` and `numpy.matmul`",
    "symmetric_product": "use `numpy.matmul` with the transpose",
    "tridiagonal_solve": "use `numpy.linalg.solve` of a dense matrix, or `lax.scan`",
    "EigImplementation EighImplementation SvdAlgorithm": "there is one implementation: LAPACK on the CPU",
}

_NN: Hints = {
    "get_scaled_dot_general_config scaled_dot_general scaled_matmul":
        "use `lax.dot_general`, and multiply by the scale",
}

_RANDOM: Hints = {"key_dtype": "use key.dtype"}

_SCIPY: Hints = {
    "fft": "use `numpy.fft`", "signal": "use `numpy.convolve` and `lax.conv_general_dilated`",
    "interpolate ndimage": "use `numpy.interp`, or `numpy.take` and weights",
    "integrate": "use `numpy.trapezoid`", "cluster": "the example lantern.examples.kmeans shows k-means",
    "sparse": "matrix-free solvers are written with `lax.while_loop`, and differentiated by `lax.custom_linear_solve`",
    "optimize": "write descent with `lax.scan` or `lax.while_loop`; roots are differentiated by `lax.custom_root`",
}

_SCIPY_SPECIAL: Hints = {
    "comb poch": "use sums of `scipy.special.gammaln`",
    "boxcox boxcox1p": "use `numpy.expm1` of lmbda * log(x), over lmbda",
    "bernoulli": "the numbers are constants: " + _HOST,
    "bessel_jn dawsn exp1 expi expn fresnel hyp1f1 hyp2f1 owens_t sici spence sph_harm_y wofz":
        _HOST + ", or `pure_callback` in a program",
}

_SCIPY_LINALG: Hints = {
    "eigh_tridiagonal": "build the matrix with `numpy.diag`, and use `numpy.linalg.eigh`",
    "dft": "use `numpy.fft.fft` of `numpy.eye`",
    "polar": "use `numpy.linalg.svd`: u @ vh, and vh.T * s @ vh",
    "sqrtm funm": "of symmetric matrices: `numpy.linalg.eigh`, and the function of the eigenvalues",
    "expm_frechet": "use `jvp` of `scipy.linalg.expm`",
    "hessenberg schur rsf2csf solve_sylvester qr_multiply":
        "`numpy.linalg.qr` and `numpy.linalg.eigh` are what there is; " + _HOST,
    "circulant companion convolution_matrix fiedler fiedler_companion hadamard hankel helmert hilbert invhilbert "
    "invpascal leslie pascal": "index with differences or sums of `numpy.arange`, or " + _HOST,
}

_SCIPY_STATS: Hints = {
    "gaussian_kde": "use `numpy.mean` of `scipy.stats.norm.pdf` over the points",
    "mode": "use `numpy.unique` with return_counts, or `numpy.bincount` and `numpy.argmax`",
    "rankdata": "use `numpy.argsort` of `numpy.argsort`",
    "sem": "use `numpy.std` with ddof=1, over the root of the count",
}

_EXPORT: Hints = {
    "symbolic_shape symbolic_args_specs SymbolicScope is_symbolic_dim":
        "shapes are fixed: call `export.export` once for each",
    "DisabledSafetyCheck default_export_platform": "`export.export` takes platforms, and the default is all of them",
    "minimum_supported_calling_convention_version maximum_supported_calling_convention_version":
        "a file that `export.load` cannot read names both versions",
}

_TOP: Hints = {
    "pmap": "use `vmap`: " + _ONE_DEVICE,
    "shard_map smap make_mesh set_mesh sharding NamedSharding P reshard Shard": _ONE_DEVICE,
    "make_array_from_callback make_array_from_process_local_data make_array_from_single_device_arrays":
        "arrays lie on one device: use `device_put`",
    "local_device_count": "use `device_count`",
    "host_count host_id host_ids process_indices distributed": "there is one process: `process_count` is 1",
    "custom_gradient": "use `custom_vjp`",
    "softmax_custom_jvp": "use `nn.softmax`",
    "default_matmul_precision": "products of f32 are summed in f32",
    "default_prng_impl enable_custom_prng legacy_prng_key threefry_partitionable":
        "there is one generator, whose bits are JAX's partitionable threefry: `random.key`",
    "enable_checks log_compiles": "the settings are in docs/semantics.md and in `config`",
    "explain_cache_misses": "use `explain_recompiles`",
    "no_tracing": "use `no_compiles`",
    "checking_leaks": "use `check_tracer_leaks`",
    "transfer_guard transfer_guard_device_to_device transfer_guard_device_to_host transfer_guard_host_to_device":
        "what copies to the CPU says so by `errors.TransferWarning`; warnings can be made errors",
    "copy_to_host_async": "use `device_get`",
    "numpy_rank_promotion": "ranks are promoted as in NumPy; `numpy_dtype_promotion` makes dtypes strict",
    "float0": "tangents of integers are zeros of their own dtype",
    "typeof": "use `eval_shape`, or x.shape and x.dtype",
    "effects_barrier": "use `block_until_ready`",
    "named_call": "use `named_scope`",
    "ffi": "use `extend.wgsl_kernel`, or `pure_callback`",
    "image": "resize with `numpy.take` and weights, or `lax.conv_general_dilated`",
    "core interpreters ad": "a primitive of your own is made by `extend.primitive`; `make_jaxpr` shows programs",
    "fwd_and_bwd": "use `vjp`",
    "Ref ref new_ref empty_ref free_ref freeze": "arrays are immutable: carry them through `lax.scan`",
    "live_arrays array_garbage_collection_guard": "arrays die with their last name; `clear_caches` frees programs",
    "profiler monitoring": "`jit` has lower(...).compile().cost_analysis(); use Python's profilers beside it",
    "print_environment_info": "run python -m lantern doctor",
    "experimental": "what is there, is public",
}

HINTS: Mapping[str, Hints] = {
    "lantern": _TOP,
    "lantern.numpy": _NUMPY,
    "lantern.numpy.linalg": {},
    "lantern.numpy.fft": {},
    "lantern.lax": _LAX,
    "lantern.lax.linalg": _LAX_LINALG,
    "lantern.export": _EXPORT,
    "lantern.nn": _NN,
    "lantern.random": _RANDOM,
    "lantern.scipy": _SCIPY,
    "lantern.scipy.special": _SCIPY_SPECIAL,
    "lantern.scipy.linalg": _SCIPY_LINALG,
    "lantern.scipy.stats": _SCIPY_STATS,
}
