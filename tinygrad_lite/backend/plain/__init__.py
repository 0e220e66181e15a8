"""Our own kernels in their plain form, for any array library: the definition of the fast ones.

Each file is a subject, and importing it registers its kernels (`backend.kernel`), which `KERNELS`
lists by file. They are written in NumPy's names alone, as `xp` answers to them on every device.
"""

KERNELS = {
    "activation": "sigma sigmoid sigmoid_gradient silu silu_gradient softplus softplus_gradient",
    "amp": "amp_unscale amp_update",
    "attention": "attention attention_gradient",
    "bessel": "bessel_jy bessel_k airy_ai",
    "complex": "view_as_real view_as_complex real imag sgn complex_of "
    "logical_and logical_or logical_xor logical_not",
    "conv": "unfold fold conv2d conv2d_algorithm conv2d_weight_gradient conv2d_input_gradient "
    "conv2d_bias_gradient",
    "deviations": "variance variance_and_mean",
    "elementwise": "copy new_like full_like astype one plus minus times log10 relu relu_gradient "
    "sign integer_power erf gelu gelu_gradient",
    "fourier": "fourier fourier_of_real fourier_to_real",
    "incomplete_gamma": "gammainc gammaincc gamma_slope",
    "linalg": "cholesky inv solve det slogdet cofactors packed_qr full_qr reflections packed_eigh "
    "packed_eig packed_svd full_svd pinv packed_lu",
    "linear": "affine affine_weight_gradient affine_relu_gradient",
    "loss": "softmax softmax_gradient softmax_cross_entropy softmax_cross_entropy_gradient "
    "softmax_cross_entropy_probabilities softmax_cross_entropy_probabilities_gradient mean_of_all "
    "all_below log_softmax log_softmax_gradient logsumexp poisson_error",
    "norm": "batch_norm batch_norm_apply batch_norm_sums batch_norm_gradient batch_norm_track "
    "batch_norm_tracked layer_norm layer_norm_sums layer_norm_gradient",
    "optim": "updates updates_again sgd_step adam_step rmsprop_step adagrad_step",
    "pool": "max_pool2d max_pool2d_gradient max_pool2d_pick max_pool2d_places avg_pool2d "
    "avg_pool2d_gradient adaptive_avg_pool2d adaptive_avg_pool2d_gradient",
    "recurrence": "rnn rnn_gradient lstm lstm_gradient gru gru_gradient",
    "running": "running_extreme",
    "scatter": "scatter scatter_along scatter_reduce take_rows turns",
    "sorting": "argsort unique argtopk",
    "special": "erfcx erfc erfinv lgamma digamma zeta polygamma bessel_i",
    "steps": "nadam_step radam_step adamax_step adadelta_step rprop_step asgd_step adafactor_step "
    "muon_step",
    "strided": "as_strided strided_places windows",
    "sums": "sum cumprod cumsum",
    "transfer": "join device_of to_device check_index",
    "wide": "in_float64",
}
