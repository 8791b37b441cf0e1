"""What `tools.coverage` counts as exact though a size is open, and why: it is no part of what types can say."""

from __future__ import annotations


def words(text: str) -> list[str]:
    """The names in a text."""
    return text.split()


def _named(table: dict[str, str]) -> dict[str, str]:
    return {name: why for why, names in table.items() for name in words(names)}


# A size that is computed, or that values decide.
SIZES_BEYOND_TYPES: dict[str, str] = _named({
    "the size of what is joined is a sum": "append concat concatenate hstack block_diag",
    "a list has no length in its type": "stack vstack dstack column_stack array asarray multi_dot "
                                        "quantile percentile nanquantile nanpercentile",
    "the sizes of parts are quotients": "split array_split hsplit vsplit glu",
    "how many there are, the values decide": "nonzero argwhere flatnonzero compress extract unique unique_values "
                                             "union1d intersect1d setdiff1d setxor1d where bincount histogram "
                                             "histogram_bin_edges",
    "pads, repeats and differences are sums and products": "pad tile repeat diff ediff1d kron convolve correlate "
                                                           "arange cov corrcoef",
    "slices and windows have computed sizes": "__getitem__ slice slice_in_dim reduce_window conv conv_general_dilated "
                                              "conv_transpose conv_with_general_padding conv_general_dilated_patches "
                                              "avg_pool max_pool min_pool pool",
    "flattening multiplies sizes": "ravel flatten reshape sort argsort cumsum cumprod nancumsum nancumprod "
                                   "cumulative_sum cumulative_prod collapse",
    "it is the smaller one of two sizes": "qr svd svdvals lu lu_factor lstsq diagonal diag",
    "it is computed from the number of rows": "tril_indices triu_indices tril_indices_from triu_indices_from",
    "half of a spectrum has half the size": "rfft irfft hfft ihfft rfft2 irfft2 rfftn irfftn rfftfreq fft2 ifft2 fftn "
                                            "ifftn",
    "all arrays of a list have one type": "meshgrid",
    "the number of quarter turns decides": "rot90",
})

# What takes vectors, or vectors and matrices, and nothing else.
VECTORS_AND_MATRICES = frozenset(words(
    "vdot outer diag kron convolve correlate cov corrcoef ix_ meshgrid bincount lstsq multi_dot polyval conv "
    "conv_general_dilated conv_transpose conv_with_general_padding dot_product_attention toeplitz column_stack "
    "histogram dot batch_matmul fold_in"
))

# What gives no array, or an array of NumPy's, or changes no shape because it takes any value.
NO_SHAPES = frozenset(words(
    "iinfo einsum_path get_printoptions printoptions load dtype host_value item tolist device_get vectorize"
))
