"""Public names that have no row yet: of operations, and of modules and what surrounds training."""

OPERATIONS = """
.__array__ .__array_wrap__ .__bool__ .__contains__ .__dlpack__ .__dlpack_device__ .__float__
.__hash__ .__ilshift__ .__index__ .__int__ .__invert__ .__irshift__ .__iter__ .__len__ .__matmul__
.__pos__ .backward .bernoulli_ .bfloat16 .cauchy_ .device .dtype .exponential_ .geometric_
.grad_fn .is_distributed .is_ipu .is_maia .is_mkldnn .is_mps .is_mtia .is_nested .is_pinned
.is_same_size .is_set_to .is_shared .is_sparse_csr .is_vulkan .is_xla .is_xpu .layout .log_normal_
.new .new_empty_strided .normal_ .numpy .random_ .register_hook
.register_post_accumulate_grad_hook .resize_ .resize_as_ .retain_grad .set_ .shape .share_memory_
.storage .storage_offset .stride .uniform_ .unsafe_split .unsafe_split_with_sizes .untyped_storage
BoolTensor ByteTensor CharTensor DoubleTensor FloatTensor Generator HalfTensor IntTensor
LongTensor ShortTensor Size Tensor alias_copy are_deterministic_algorithms_enabled as_strided_copy
asarray autograd.Function autograd.Variable autograd.backward autograd.detect_anomaly
autograd.grad autograd.gradcheck autograd.gradgradcheck autograd.graph.GradientEdge
autograd.graph.Node autograd.graph.allow_mutation_on_saved_tensors
autograd.graph.disable_saved_tensors_hooks autograd.graph.get_gradient_edge
autograd.graph.increment_version autograd.graph.register_multi_grad_hook
autograd.graph.save_on_cpu autograd.graph.saved_tensors_hooks autograd.set_detect_anomaly
autograd.set_multithreading_enabled binomial compile compiled_with_cxx11_abi cond detach_copy
device diagonal_copy dtype empty_permuted empty_strided enable_grad expand_copy finfo from_dlpack
from_numpy frombuffer func.functional_call func.functionalize func.linearize
func.replace_all_batch_norm_modules_ func.stack_module_state get_default_device get_default_dtype
get_deterministic_debug_mode get_float32_matmul_precision get_num_interop_threads get_num_threads
get_rng_state iinfo inference_mode initial_seed is_anomaly_check_nan_enabled is_anomaly_enabled
is_deterministic_algorithms_warn_only_enabled is_grad_enabled is_inference_mode_enabled
is_same_size is_storage is_tensor is_vulkan_available is_warn_always_enabled layout
linalg.LinAlgError manual_seed memory_format no_grad poisson random.fork_rng resize_as_ seed
set_default_device set_default_dtype set_default_tensor_type set_deterministic_debug_mode
set_float32_matmul_precision set_flush_denormal set_grad_enabled set_num_interop_threads
set_num_threads set_rng_state set_warn_always slice_copy split_copy split_with_sizes_copy spmm
typename unsafe_split unsafe_split_with_sizes use_deterministic_algorithms
utils.checkpoint.checkpoint utils.checkpoint.checkpoint_sequential view_copy
"""

MODULES = """
distributions.AbsTransform distributions.CatTransform distributions.CorrCholeskyTransform
distributions.CumulativeDistributionTransform distributions.Distribution
distributions.GeneralizedPareto distributions.IndependentTransform distributions.LKJCholesky
distributions.LogisticNormal distributions.LowRankMultivariateNormal
distributions.LowerCholeskyTransform distributions.Multinomial
distributions.OneHotCategoricalStraightThrough distributions.PositiveDefiniteTransform
distributions.RelaxedBernoulli distributions.RelaxedOneHotCategorical
distributions.ReshapeTransform distributions.SoftmaxTransform distributions.SoftplusTransform
distributions.StackTransform distributions.StickBreakingTransform distributions.Transform
distributions.Wishart distributions.biject_to distributions.constraints.boolean
distributions.constraints.corr_cholesky distributions.constraints.dependent
distributions.constraints.lower_cholesky distributions.constraints.lower_triangular
distributions.constraints.nonnegative distributions.constraints.nonnegative_integer
distributions.constraints.one_hot distributions.constraints.positive
distributions.constraints.positive_definite distributions.constraints.positive_integer
distributions.constraints.positive_semidefinite distributions.constraints.real
distributions.constraints.real_vector distributions.constraints.simplex
distributions.constraints.square distributions.constraints.symmetric
distributions.constraints.unit_interval distributions.identity_transform distributions.register_kl
distributions.transform_to distributions.utils.broadcast_all distributions.utils.clamp_probs
distributions.utils.lazy_property distributions.utils.logits_to_probs
distributions.utils.probs_to_logits nn.Buffer nn.CrossMapLRN2d nn.FractionalMaxPool2d
nn.FractionalMaxPool3d nn.LazyBatchNorm3d nn.LazyConvTranspose3d nn.LazyInstanceNorm3d
nn.NLLLoss2d nn.RNNBase nn.RNNCellBase nn.UninitializedBuffer nn.UninitializedParameter
nn.functional.adaptive_max_pool1d_with_indices nn.functional.adaptive_max_pool2d_with_indices
nn.functional.adaptive_max_pool3d_with_indices nn.functional.alpha_dropout nn.functional.ctc_loss
nn.functional.dropout nn.functional.dropout1d nn.functional.dropout2d nn.functional.dropout3d
nn.functional.elu_ nn.functional.feature_alpha_dropout nn.functional.fractional_max_pool2d
nn.functional.fractional_max_pool2d_with_indices nn.functional.fractional_max_pool3d
nn.functional.fractional_max_pool3d_with_indices nn.functional.gumbel_softmax
nn.functional.hardtanh_ nn.functional.leaky_relu_ nn.functional.max_pool1d_with_indices
nn.functional.max_pool2d_with_indices nn.functional.max_pool3d_with_indices
nn.functional.max_unpool1d nn.functional.max_unpool2d nn.functional.max_unpool3d
nn.functional.multi_head_attention_forward nn.functional.relu_ nn.functional.upsample
nn.functional.upsample_bilinear nn.functional.upsample_nearest nn.grad.conv1d_input
nn.grad.conv1d_weight nn.grad.conv2d_input nn.grad.conv2d_weight nn.grad.conv3d_input
nn.grad.conv3d_weight nn.init.constant nn.init.dirac nn.init.eye nn.init.kaiming_normal
nn.init.kaiming_uniform nn.init.normal nn.init.orthogonal nn.init.sparse nn.init.uniform
nn.init.xavier_normal nn.init.xavier_uniform nn.utils.clip_grad_norm
nn.utils.clip_grads_with_norm_ nn.utils.convert_conv2d_weight_memory_format
nn.utils.convert_conv3d_weight_memory_format nn.utils.fuse_conv_bn_eval
nn.utils.fuse_conv_bn_weights nn.utils.fuse_linear_bn_eval nn.utils.fuse_linear_bn_weights
nn.utils.parametrizations.orthogonal nn.utils.parametrizations.spectral_norm
nn.utils.parametrize.ParametrizationList nn.utils.parametrize.cached nn.utils.remove_spectral_norm
nn.utils.rnn.invert_permutation nn.utils.skip_init nn.utils.spectral_norm optim.Adafactor
optim.Muon optim.Optimizer optim.lr_scheduler.LRScheduler optim.swa_utils.AveragedModel
optim.swa_utils.SWALR optim.swa_utils.get_ema_avg_fn optim.swa_utils.get_ema_multi_avg_fn
optim.swa_utils.get_swa_avg_fn optim.swa_utils.get_swa_multi_avg_fn optim.swa_utils.update_bn
utils.data.ChainDataset utils.data.Dataset utils.data.IterableDataset utils.data.Sampler
utils.data.StackDataset utils.data.default_collate utils.data.default_convert
utils.data.get_worker_info
"""
