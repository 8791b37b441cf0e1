"""What to use instead of names that lantern leaves out: for each module, names and the cure. Names of lantern stand in
backquotes, as seen from `lantern`."""
from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Hints: TypeAlias = Mapping[str, str]        # names, separated by blanks -> the cure

_HOST = "call NumPy's outside the program, and give its result to `numpy.asarray`"
_POLYNOMIALS = "evaluate polynomials with `numpy.polyval`, or call NumPy's on the coefficients"
_FLOAT8 = "the smallest floats are `numpy.float16` and `numpy.bfloat16`"
_SMALL_INT = "the smallest integers are `numpy.int8` and `numpy.uint8`"

_NUMPY: Hints = {
    "polyfit": "build the columns with `numpy.stack` of powers, and solve with `numpy.linalg.pinv`",
    "poly polyadd polyder polydiv polyint polymul polysub roots": _POLYNOMIALS,
    "polyval": "Horner's rule is `lax.scan` over the coefficients, or `sum` of products with powers of x",
    "bartlett blackman hamming hanning kaiser": "windows are constants: " + _HOST,
    "i0": "use `scipy.special.i0e` times `numpy.exp` of the absolute value",
    "sinc": "use `numpy.sin`, and `numpy.where` for x == 0 before and after the division by pi * x",
    "fmax fmin": "use `numpy.maximum` or `numpy.minimum` of values without NaN, chosen with `numpy.where`",
    "fmod": "use `lax.rem`, which has the sign of the dividend, or `numpy.remainder`",
    "modf": "use `numpy.trunc` and the difference",
    "frexp ldexp": "use `numpy.exp2`, or the bits by `lax.bitcast_convert_type`",
    "spacing": "use `numpy.nextafter` and the difference",
    "cbrt": "use `numpy.sign` and `numpy.power`: sign(x) * abs(x) ** (1 / 3)",
    "heaviside": "use `numpy.where`",
    "degrees": "use `numpy.rad2deg`",
    "radians": "use `numpy.deg2rad`",
    "gcd lcm": "integers of shapes and settings: use math.gcd; of arrays: `lax.while_loop` with `lax.rem`",
    "bitwise_count": "use `lax.population_count`",
    "packbits unpackbits": "use `numpy.right_shift` by `numpy.arange`, and `numpy.bitwise_and`",
    "gradient": "use `numpy.diff`, or differences of slices; the derivative of a function is `grad`",
    "trapezoid": "use `numpy.sum` of means of neighbours times `numpy.diff`",
    "unwrap": "use `numpy.diff`, `numpy.round` and `numpy.cumsum`",
    "interp": "use `numpy.searchsorted` and `numpy.take`",
    "histogram2d histogramdd": "use `numpy.searchsorted` for each axis and `numpy.bincount` of flat positions",
    "digitize": "use `numpy.searchsorted`",
    "vander": "use `numpy.power` of x[:, None] and `numpy.arange`",
    "kron": "use `numpy.einsum` with four letters, and `numpy.reshape`",
    "matvec vecmat": "use `numpy.matmul` or `numpy.einsum`",
    "correlate": "use `numpy.convolve` with one operand turned round by `numpy.flip`",
    "nancumsum nancumprod nanprod nansum nanvar nanmedian nanpercentile nanquantile nanargmax nanargmin":
        "use `numpy.where` with `numpy.isnan`, then the function without nan",
    "percentile": "use `numpy.quantile` of the percentage / 100",
    "corrcoef": "use `numpy.cov` divided by the `numpy.outer` product of standard deviations",
    "argpartition partition": "use `lax.top_k`, `numpy.argsort` or `numpy.sort`",
    "sort_complex": "complex numbers have no order: use `numpy.argsort` of the real part or of the absolute value",
    "setdiff1d intersect1d setxor1d union1d": "use `numpy.unique` with size=, and `numpy.isin`",
    "trim_zeros": "the size would depend on values: use `numpy.nonzero` outside the program",
    "delete insert resize": "the arrays are immutable: join slices with `numpy.concatenate`",
    "put place fill_diagonal putmask copyto":
        "arrays are immutable: use x.at[indices].set(values), or `numpy.where`",
    "rollaxis": "use `numpy.moveaxis`",
    "dsplit": "use `numpy.split` with axis=2",
    "diagflat": "use `numpy.diag` of `numpy.ravel`",
    "diag_indices_from": "use `numpy.diag_indices`",
    "tril_indices_from": "use `numpy.tril_indices`",
    "triu_indices_from": "use `numpy.triu_indices`",
    "mask_indices": "use `numpy.nonzero` outside the program",
    "ravel_multi_index": "use the sum of positions times strides, with `numpy.clip`",
    "ix_ ogrid mgrid": "use `numpy.meshgrid`",
    "r_ c_": "use `numpy.concatenate` or `numpy.stack`",
    "s_ index_exp": "use Python's slice objects, or x[...] itself",
    "around": "use `numpy.round`",
    "array_equiv": "use `numpy.array_equal` of `numpy.broadcast_arrays`",
    "apply_over_axes": "use several axes at once, as in `numpy.sum` with axis=(0, 1)",
    "piecewise": "use `numpy.where` or `numpy.select`",
    "fromfunction": "use `vmap` over `numpy.arange`",
    "frompyfunc ufunc": "use `numpy.vectorize`; outside lantern's operations: `pure_callback`",
    "fromfile fromiter fromstring frombuffer loadtxt genfromtxt": "read with NumPy, and give the result to "
                                                                   "`numpy.asarray`",
    "save savez": "call NumPy's: it reads the arrays through `device_get`",
    "array_repr array_str get_printoptions printoptions": "print the array itself, or numpy.asarray of it",
    "iterable": "use Python's iter",
    "euler_gamma": "write 0.5772156649015329",
    "block bmat": "use `numpy.concatenate` of concatenated rows",
    "ComplexWarning character flexible object_": "arrays hold numbers and bools; the classes are NumPy's",
    "int_ uint float_ complex_": "write the width: `numpy.int32`, `numpy.uint32`, `numpy.float32` or `numpy.complex64`",
    "float4_e2m1fn float6_e2m3fn float6_e3m2fn float8_e3m4 float8_e4m3 float8_e4m3b11fnuz float8_e4m3fn "
    "float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu": _FLOAT8,
    "int1 int2 int4 uint1 uint2 uint4": _SMALL_INT,
}

_LINALG: Hints = {
    "lstsq": "use `numpy.linalg.pinv` times the right-hand side, or `numpy.linalg.qr` and "
             "`scipy.linalg.solve_triangular`",
    "cond": "divide the largest by the smallest of `numpy.linalg.svdvals`",
    "multi_dot": "use `numpy.einsum`, which chooses the order",
    "matmul": "use `numpy.matmul`",
    "matrix_transpose": "use `numpy.matrix_transpose`",
    "tensorinv tensorsolve": "use `numpy.reshape` and `numpy.linalg.solve`",
}

_SPECIAL = "use the function of that name of `scipy.special`, or compute it with its functions"
_MESH = "a program runs on one device; named axes are those of `vmap`"
_SHAPES = "give the shapes and strides to `lax.conv_general_dilated`"

_LAX: Hints = {
    "acos": "use `numpy.arccos`", "acosh": "use `numpy.arccosh`", "asin": "use `numpy.arcsin`",
    "asinh": "use `numpy.arcsinh`", "atan": "use `numpy.arctan`", "atanh": "use `numpy.arctanh`",
    "cosh": "use `numpy.cosh`", "sinh": "use `numpy.sinh`", "exp2": "use `numpy.exp2`",
    "cbrt": "use `numpy.sign` and `numpy.power`: sign(x) * abs(x) ** (1 / 3)",
    "mulhi": "convert to a wider dtype, multiply and use `lax.shift_right_logical`",
    "bessel_i0e bessel_i1e betainc digamma erfc igamma igammac lgamma polygamma zeta igamma_grad_a random_gamma_grad":
        _SPECIAL,
    "split": "use `numpy.split`", "stack": "use `numpy.stack`", "unstack": "use `numpy.unstack`",
    "tile": "use `numpy.tile`", "empty": "use `numpy.empty`",
    "broadcast_like broadcast_to_rank": "use `numpy.broadcast_to` or `lax.expand_dims`",
    "reduce_xor": "use `lax.associative_scan` with `lax.bitwise_xor`, and take the last",
    "reduce": "use `lax.reduce_sum`, `lax.reduce_max` and their like, or `lax.associative_scan`",
    "conv": "use `lax.conv_general_dilated`", "conv_with_general_padding": "use `lax.conv_general_dilated`",
    "conv_general_dilated_local": "use `numpy.einsum` of patches, which `lax.conv_general_dilated` cuts",
    "conv_general_dilated_patches": "use `lax.conv_general_dilated` with an identity matrix as kernel",
    "conv_dimension_numbers conv_general_permutations conv_general_shape_tuple conv_shape_tuple "
    "conv_transpose_shape_tuple padtype_to_pads reduce_window_shape_tuple ConvDimensionNumbers "
    "ConvGeneralDilatedDimensionNumbers": _SHAPES + "; `eval_shape` tells the result's",
    "ragged_dot ragged_dot_general RaggedDotDimensionNumbers": "use `lax.dot_general` with a batch axis and masks",
    "scaled_dot DotAlgorithm DotAlgorithmPreset": "use `lax.dot_general`: products of f32 are summed in f32",
    "AccuracyMode Tolerance RoundingMethod": "functions have one accuracy, and `lax.round` rounds half to even",
    "scatter_apply": "use `lax.gather`, the function, and `lax.scatter`",
    "rng_uniform rng_bit_generator RandomAlgorithm": "use `random.uniform` or `random.bits`",
    "optimization_barrier": "use `checkpoint`, which computes again what stands behind it",
    "platform_dependent": "decide in Python by `default_device`, or in `lax.cond`",
    "after_all create_token dce_sink": "callbacks keep their order: `debug.callback` and `pure_callback`",
    "composite stage": "use `jit`, or `custom_jvp` and `custom_vjp`",
    "shape_as_value": "use x.shape: shapes are Python's",
    "pbroadcast pcast pswapaxes precv psend ragged_all_to_all": _MESH + ": `lax.all_gather`, `lax.all_to_all` and "
                                                                        "`lax.ppermute`",
}

_NN: Hints = {
    "identity": "write lambda x: x",
    "hard_tanh": "use `numpy.clip` from -1 to 1",
    "soft_sign": "write x / (1 + abs(x)), with `numpy.abs`",
    "squareplus": "write 0.5 * (x + sqrt(x * x + b)), with `numpy.sqrt`",
    "sparse_plus": "use `numpy.where` with the branches x, 0.25 * (x + 1) ** 2 and 0",
    "sparse_sigmoid": "use `numpy.clip` of 0.5 * (x + 1) from 0 to 1",
    "log1mexp": "use `numpy.where` with `numpy.log` of -expm1(-x), and `numpy.log1p` of -exp(-x)",
    "logmeanexp": "use `nn.logsumexp` less the logarithm of the count",
    "get_scaled_dot_general_config scaled_dot_general scaled_matmul":
        "use `lax.dot_general`, and multiply by the scale",
    "initializers": "draw with `random.normal` or `random.uniform`, times the scale",
}

_RANDOM: Hints = {
    "lognormal": "use `numpy.exp` of `random.normal`",
    "double_sided_maxwell maxwell": "use `numpy.linalg.norm` of `random.normal` with three columns",
    "generalized_normal": "use `random.gamma` to the power 1 / p, times `random.rademacher`",
    "geometric": "use `numpy.floor` of log(uniform) / log1p(-p), with `random.uniform`",
    "key_dtype": "use key.dtype",
    "loggamma": "use `numpy.log` of `random.gamma`",
    "multinomial": "use `random.categorical` and `numpy.bincount`",
    "orthogonal": "use `numpy.linalg.qr` of `random.normal`, times the signs of its diagonal",
    "pareto": "use `numpy.exp` of `random.exponential` divided by b",
    "rayleigh": "use `numpy.sqrt` of twice `random.exponential`",
    "t": "use `random.normal` divided by the root of `random.gamma` of df / 2, over df / 2",
    "f": "divide two draws of `random.chisquare`, each by its degrees of freedom",
    "triangular": "use `numpy.where` and `numpy.sqrt` of `random.uniform`: the inverse of the distribution",
    "wald": "use `random.normal` and `random.uniform`, as Michael, Schucany and Haas do",
}

_SCIPY_SPECIAL: Hints = {
    "gamma": "use `numpy.exp` of `scipy.special.gammaln`, with the sign",
    "loggamma": "use `scipy.special.gammaln`, which is its real part",
    "beta betaln comb poch factorial multigammaln gammasgn": "use sums of `scipy.special.gammaln`",
    "erfc": "use 1 - `scipy.special.erf`; far out `scipy.special.ndtr` of -sqrt(2) * x, twice",
    "erfcx dawsn wofz fresnel sici owens_t": _HOST + ", or `pure_callback`",
    "gammaincc": "use 1 - `scipy.special.gammainc`",
    "i0": "use `scipy.special.i0e` times `numpy.exp` of the absolute value",
    "i1": "use `scipy.special.i1e` times `numpy.exp` of the absolute value",
    "log_ndtr": "use `numpy.log` of `scipy.special.ndtr`, which loses digits far below zero",
    "log_softmax": "use `nn.log_softmax`", "softmax": "use `nn.softmax`",
    "logit": "use `numpy.log` and `numpy.log1p`: log(p) - log1p(-p)",
    "kl_div rel_entr": "use `scipy.special.xlogy` and `scipy.special.entr`",
    "xlog1py": "use `numpy.where` and `numpy.log1p`",
    "boxcox boxcox1p": "use `numpy.expm1` of lmbda * log(x), over lmbda",
    "bernoulli": "the numbers are constants: " + _HOST,
    "polygamma zeta": "use derivatives of `scipy.special.digamma` by `grad`",
    "bessel_jn exp1 expi expn hyp1f1 hyp2f1 sph_harm_y spence": _HOST + ", or `pure_callback` in a program",
}

_SCIPY_LINALG: Hints = {
    "det": "use `numpy.linalg.det`", "eigh": "use `numpy.linalg.eigh`", "inv": "use `numpy.linalg.inv`",
    "qr": "use `numpy.linalg.qr`", "svd": "use `numpy.linalg.svd`", "solve": "use `numpy.linalg.solve`",
    "eigh_tridiagonal": "build the matrix with `numpy.diag`, and use `numpy.linalg.eigh`",
    "lu lu_factor lu_solve": "use `numpy.linalg.solve`, `numpy.linalg.slogdet` or `numpy.linalg.inv`",
    "dft": "use `numpy.fft.fft` of `numpy.eye`",
    "polar": "use `numpy.linalg.svd`: u @ vh, and vh.T * s @ vh",
    "sqrtm funm": "of symmetric matrices: `numpy.linalg.eigh`, and the function of the eigenvalues",
    "expm_frechet": "use `jvp` of `scipy.linalg.expm`",
    "hessenberg schur rsf2csf solve_sylvester qr_multiply":
        "`numpy.linalg.qr` and `numpy.linalg.eigh` are what there is; " + _HOST,
    "circulant companion convolution_matrix fiedler fiedler_companion hadamard hankel helmert hilbert invhilbert "
    "invpascal leslie pascal toeplitz": "index with differences or sums of `numpy.arange`, or " + _HOST,
}

_TOP: Hints = {
    "pmap": "use `vmap`: " + _MESH,
    "shard_map make_mesh set_mesh sharding NamedSharding": _MESH,
    "local_devices local_device_count device_count process_index process_count": "use `devices`",
    "Device": "the type of what `devices` returns",
    "xla jaxlib xla_computation": "use `jit`, and its lower(...) to see programs",
    "enable_x64": "use config.update(\"enable_x64\", True), with `config`",
    "float0": "tangents of integers are zeros of their own dtype",
    "jax2tf": "there is no bridge to TensorFlow: use `device_get`",
    "live_arrays": "nothing keeps a list of arrays; `clear_caches` frees compiled programs",
    "named_call": "use `named_scope`",
    "linear_util": "use `custom_jvp` or `custom_vjp`",
    "print_environment_info": "run python -m lantern doctor",
}

HINTS: Mapping[str, Hints] = {
    "lantern": _TOP,
    "lantern.numpy": _NUMPY,
    "lantern.numpy.linalg": _LINALG,
    "lantern.lax": _LAX,
    "lantern.nn": _NN,
    "lantern.random": _RANDOM,
    "lantern.scipy.special": _SCIPY_SPECIAL,
    "lantern.scipy.linalg": _SCIPY_LINALG,
}
