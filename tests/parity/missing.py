"""Public names of operations that have no row yet."""

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
