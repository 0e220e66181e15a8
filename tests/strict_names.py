"""What CuPy 14.2 lacks of NumPy, and what waits for the device: read from CuPy's sources."""

from __future__ import annotations

words = str.split
# NumPy's names that CuPy lacks.
MISSING = {
    "numpy": words(
        """False_ ScalarType True_ asmatrix block bmat busday_count busday_offset busdaycalendar
        bytes_ char character clongdouble complex256 core ctypeslib datetime64 datetime_as_string
        datetime_data dtypes einsum_path emath errstate f2py flexible float128 frompyfunc
        fromregex geomspace get_include getbufsize geterr geterrcall histogram_bin_edges info
        insert is_busday isnat little_endian longdouble ma matrix matvec memmap nanpercentile
        nanquantile ndenumerate nditer nested_iters object_ polyder polydiv polyint rec recarray
        record sctypeDict setbufsize seterr seterrcall show_runtime spacing str_ strings test
        timedelta64 typecodes unstack vecdot vecmat void"""
    ),
    "numpy.linalg": words(
        """diagonal matrix_norm multi_dot outer svdvals tensordot test trace vecdot vector_norm"""
    ),
}
# Keywords of NumPy that CuPy's functions lack: all of them (but copyto), or the one named.
LACKS = words("""ar1 ar2 arrays ary check_bounds correction device initial like m max mean min
ndmax object sorted stable start_or_stop subok where writeable""")
DENIED = {"argpartition": "kind order", "argsort": "order", "array_str": "a", "astype": "casting",
          "corrcoef": "x", "count_nonzero": "keepdims", "delete": "obj", "einsum": "out",
          "extract": "arr", "histogram": "a", "indices": "sparse", "isin": "kind",
          "lexsort": "axis", "partition": "kind order", "percentile": "weights",
          "quantile": "weights", "reshape": "shape", "sort": "order", "take": "mode",
          "take_along_axis": "arr", "trim_zeros": "axis", "unpackbits": "count",
          "unravel_index": "shape"}  # fmt: skip
METHODS = words("""all any argmax argmin argpartition argsort astype clip compress conj conjugate
copy cumprod cumsum diagonal dot fill flatten item max mean min nonzero partition prod put ravel
repeat reshape round searchsorted sort squeeze std sum swapaxes take tobytes tolist trace transpose
var view""")
# The dtypes that ufunc.at takes with index arrays.
AT = {"add": "ilqILQefd", "subtract": "iI", "maximum": "ilqILQfd", "minimum": "ilqILQfd",
      "bitwise_and": "ilqILQ", "bitwise_or": "ilqILQ", "bitwise_xor": "ilqILQ"}  # fmt: skip
# Functions that take no bfloat16: they sort, or have not been seen to.
NO_BFLOAT16 = words("""argpartition argsort cumprod cumsum lexsort median msort nancumprod nancumsum
nanmedian partition percentile quantile sort sort_complex union1d unique unique_all unique_counts
unique_inverse unique_values""")
# Functions that wait for the device (where does with one argument).
SYNCS = words("""argwhere asarray_chkfinite average bincount choose compress extract flatnonzero
histogram histogram2d histogramdd item intersect1d ix_ mask_indices nonzero place real_if_close
setdiff1d setxor1d tobytes tolist tril_indices tril_indices_from trim_zeros triu_indices
triu_indices_from union1d unique unique_all unique_counts unique_inverse unique_values
unravel_index""")
# Functions whose first argument is a sequence of arrays, or need not be an array.
SEQUENCES = words("column_stack concat concatenate dstack hstack stack vstack")
FREE = words("""allclose arange can_cast diag_indices einsum empty eye finfo full identity indices
isclose isscalar issubdtype linspace logspace ones promote_types ravel_multi_index select tri
tril_indices triu_indices zeros""")
# Parameters that take integers (an array has no __index__), and those that take lists as well.
INTEGERS = words("""axes axis axis1 axis2 destination dimensions k kth M N new_shape num pad_width
reps shape source start_or_stop step window_shape""")
LISTS = words("choicelist condlist dims indices_or_sections obj out q repeats shift strides")
# Functions whose new result is in C order in CuPy, whatever the order of their inputs.
FRESH = words("""all amax amin any around clip concat concatenate cumprod cumsum max mean min prod
round stack std sum take var where""")
