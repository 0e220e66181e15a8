"""Our own kernels for NumPy: the faster forms, with threads, reused memory and BLAS.

Importing a file registers its kernels (`backend.kernel`), which `KERNELS` lists by file; what has
no form of its own here is taken from `plain`.
"""

from __future__ import annotations

from . import threads as threads  # at once: BLAS's threads and freed memory are settled here

KERNELS = {
    "activation": "sigmoid sigmoid_gradient silu silu_gradient softplus softplus_gradient",
    "attention": "attention attention_gradient",
    "conv": "conv2d_algorithm conv2d_bias_gradient",
    "deviations": "variance variance_and_mean",
    "elementwise": "relu relu_gradient gelu gelu_gradient",
    "gru": "gru gru_gradient",
    "library": "affine amax broadcast_to expand_dims join matmul power reshape stack swapaxes "
    "take_along_axis transpose",
    "loss": "log_softmax log_softmax_gradient logsumexp poisson_error softmax softmax_gradient "
    "softmax_cross_entropy softmax_cross_entropy_gradient softmax_cross_entropy_probabilities "
    "softmax_cross_entropy_probabilities_gradient",
    "lstm": "lstm lstm_gradient",
    "norm": "batch_norm batch_norm_apply batch_norm_sums batch_norm_gradient layer_norm "
    "layer_norm_gradient",
    "optim": "updates updates_again sgd_step adam_step rmsprop_step adagrad_step",
    "pool": "max_pool2d max_pool2d_gradient max_pool2d_pick avg_pool2d avg_pool2d_gradient",
    "recurrence": "rnn rnn_gradient",
    "scatter": "scatter scatter_reduce take_rows",
    "select": "where",
    "sorting": "argtopk",
    "special": "erf erfc erfinv",
    "strided": "as_strided windows",
    "sums": "sum cumsum",
    "wide": "in_float64",
}
