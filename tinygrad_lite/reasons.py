"""What PyTorch has that is not here, and why, or what there is instead. (`absent.py` says so.)"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["IMPORTED", "INSTEAD", "METHODS", "MODULES", "NAMED"]

_ONE = "nn.parallel.DistributedDataParallel keeps a whole model in each process"
_NO_TRACE = "there is no compiler: models run as Python"
_QUANTISED = "there are no quantised tensors"
_GRAPH = "use cuda.graph, which captures a function"
_BOUND = "nothing here is bound to C++: operations are rules in Python, see ops/"
_WHY: Mapping[str, str] = MappingProxyType(
    {
        _QUANTISED: "ao quantization nn.intrinsic nn.qat nn.quantizable nn.quantized",
        _ONE: "distributed.algorithms distributed.checkpoint distributed.device_mesh "
        "distributed.fsdp distributed.nn distributed.optim distributed.pipelining distributed.rpc "
        "distributed.tensor nn.parallel.comm distributed._checkpointable distributed._composable "
        "distributed._composable_state distributed._dist2 distributed._functional_collectives "
        "distributed._functional_collectives_impl distributed._local_tensor "
        "distributed._mesh_layout distributed._meta_registrations distributed._ops "
        "distributed._pycute distributed._serialization distributed._shard "
        "distributed._sharded_tensor distributed._sharding_spec distributed._state_dict_utils "
        "distributed._symmetric_memory distributed._tensor distributed._tools "
        "distributed.autograd distributed.collective_utils distributed.remote_device "
        "distributed.utils nn.parallel._functions",
        "mpiexec begins the processes, see docs/distributed.md": "distributed.elastic "
        "distributed.launch distributed.launcher distributed.run distributed.argparse_util "
        "distributed.rendezvous",
        "mpi4py reports what goes wrong between processes": "distributed.c10d_logger "
        "distributed.config distributed.debug distributed.flight_recorder "
        "distributed.logging_handlers",
        _NO_TRACE: "fx _decomp _dynamo _export _functorch _inductor _logging _subclasses "
        "utils._python_dispatch _awaits _compile _dispatch _guards _higher_order_ops "
        "_jit_internal _lazy _meta_registrations _prims_common _python_dispatcher _sources "
        "_strobelight _tensor_iterator _utils_internal autograd._functions backends._coreml "
        "backends._nnapi backends.python_native compiler._cache compiler.config jit._async "
        "jit._await jit._builtins jit._check jit._dataclass_impls jit._decomposition_utils "
        "jit._decompositions jit._freeze jit._fuser jit._ir_utils jit._logging "
        "jit._monkeytype_config jit._passes jit._pickle jit._recursive jit._script "
        "jit._serialization jit._shape_functions jit._state jit._trace jit.frontend "
        "jit.generate_bytecode jit.mobile jit.quantized jit.supported_ops "
        "jit.unsupported_tensor_ops nativert utils._config_module utils._debug_mode utils._sympy "
        "utils.jit",
        _NO_TRACE + "; onnx.export writes them for others": "export package "
        "utils.mobile_optimizer utils.bundled_inputs utils.model_dump",
        "onnx.export goes by what runs, see onnx/nodes.py": "onnx._constants onnx._flags "
        "onnx._internal onnx.operators onnx.ops onnx.symbolic_helper onnx.testing "
        "onnx.verification " + " ".join(f"onnx.symbolic_opset{n}" for n in range(7, 21)),
        _BOUND: "_C _VF _ops _prims _refs classes utils.cpp_extension _classes _custom_op "
        "_custom_ops _library _native _opaque_base autograd.profiler_legacy backends.xeon "
        "cuda._device_limits cuda.gds cuda.green_contexts cuda.jiterator cuda.tunable "
        "nn.attention._fa3 nn.attention._fa4 nn.attention._registry nn.attention._utils "
        "nn.attention.experimental nn.backends nn.cpp nn.utils._expanded_weights "
        "utils._cpp_embed_headers utils._cpp_extension_versioner utils._helion utils._pallas "
        "utils._triton utils._get_clean_triton utils._cxx_pytree utils.backcompat "
        "utils.cpp_backtrace utils.file_baton utils.hipify utils.mkldnn",
        "CuPy does not reach Apple's GPUs": "mps",
        "CuPy does not reach Intel's GPUs": "xpu",
        "CuPy does not reach this accelerator": "mtia",
        "NCCL is reached through torch.distributed": "cuda.nccl",
        "of sparse layouts there is torch.sparse_coo alone": "cuda.sparse "
        "sparse._semi_structured_conversions sparse._semi_structured_ops sparse._triton_ops "
        "sparse._triton_ops_meta sparse.semi_structured",
        "there are no nested tensors; nn.utils.rnn packs and pads sequences": "nested "
        "nn.attention.varlen",
        "use NumPy": "_numpy",
        "use functional.cross_entropy of a linear layer's output": ""
        "nn.modules.linear_cross_entropy nn.modules.linear_cross_entropy_options",
        _GRAPH: "accelerator.graphs cuda.graphs "
        "cuda._annotate_cuda_graph_trace cuda._graph_annotations",
        "debug.profile tells what takes how long": "autograd.profiler_util contrib "
        "cuda._memory_viz cuda._gpu_trace cuda._sanitizer profiler._chrome_trace_export "
        "profiler._cupti_monitor profiler._cupti_monitor_trace profiler._memory_profiler "
        "profiler._pattern_matcher profiler._trace_validator profiler._utils profiler.itt "
        "profiler.python_tracer utils._cuda_debug utils._runtime_estimation utils._stats "
        "utils._strobelight utils.debug_log utils.viz",
        "tensorboardX writes them": "utils.tensorboard._convert_np utils.tensorboard._embedding "
        "utils.tensorboard._onnx_graph utils.tensorboard._proto_graph "
        "utils.tensorboard._pytorch_graph utils.tensorboard._utils utils.tensorboard.summary",
        "numactl places processes": "numa",
        "func.vmap and func.grad give gradients of each sample": "nn.utils._per_sample_grad",
        "use torch.where and masked_fill": "masked",
        "debug.profile counts what a model does": "monitor utils.flop_counter",
        "use scipy.stats.qmc.Sobol": "quasirandom",
        "use an IterableDataset": "utils.data.datapipes utils.data.graph utils.data.graph_settings",
        "use functional.scaled_dot_product_attention with a mask": "nn.attention.flex_attention",
        "nn.parallel.scatter and gather have one device": "cuda.comm",
        "utils.benchmark times what runs": "utils.throughput_benchmark cuda.profiler "
        "utils.benchmark.op_fuzzers utils.benchmark.utils.fuzzer "
        "utils.benchmark.utils.sparse_fuzzer utils.benchmark.utils.valgrind_wrapper "
        "utils.benchmark.utils.cpp_jit utils.benchmark.utils.compile utils.benchmark.utils._stubs",
        "devices are namespaces, see backend/devices.py": "utils.backend_registration",
        "debug.profile tells the layer of each operation": "utils.module_tracker",
        "files are read by files/torch_pickles.py": "utils.show_pickle _weights_only_unpickler "
        "utils._zip utils.serialization",
        "tensors are handed over by torch.multiprocessing": "multiprocessing._atfork "
        "multiprocessing.reductions",
        "it documents what is written in C++": "_size_docs _storage_docs _tensor_docs _torch_docs",
        "it is PyTorch's own, and of no use to a program": "_appdirs _environment "
        "_thread_safe_fork _vendor accelerator._utils cuda._pin_memory_utils cuda._utils "
        "func._random multiprocessing.pool multiprocessing.queue nn._reduction "
        "nn.utils._deprecation_utils nn.utils._named_member_accessor "
        "utils._appending_byte_serializer utils._content_store utils._contextlib utils._device "
        "utils._dtype_abbrs utils._exposed_in utils._filelock utils._functools "
        "utils._import_utils utils._inspect utils._mode_utils utils._ordered_set utils._thunk "
        "utils._traceback utils._typing_utils utils.data._utils.signal_handling "
        "utils.data.backward_compatibility _streambase",
    }
)
MODULES: Mapping[str, str] = MappingProxyType(
    {name: why for why, names in _WHY.items() for name in names.split()}
)
"""What PyTorch has under these names, and what to know instead."""

_SPARSE = "of sparse tensors (torch.sparse) alone, whose layout is torch.sparse_coo"
_FACTORS = "neither NumPy nor CuPy has these factors; see linalg.lu and linalg.eigh"
_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "use torch.linalg.eig": "eig",
        "use torch.linalg.eigh": "symeig",
        _QUANTISED: "dequantize int_repr q_scale q_zero_point qscheme quantize_per_channel "
        "quantize_per_tensor",
        _SPARSE: "coalesce col_indices crow_indices dense_dim indices is_coalesced smm sparse_dim "
        "sparse_mask to_sparse_csr values sparse_csr_tensor",
        _FACTORS: "ldl_factor ldl_factor_ex ldl_solve",
        "use torch.linalg.lstsq": "lstsq",
        "use torch.linalg.solve": "solve",
        "use torch.linalg.matrix_rank": "matrix_rank",
        "use torch.linalg.norm": "frobenius_norm nuclear_norm",
        "use ModuleDict or Sequential": "Container",
        "use the block torch.autocast": "set_autocast_cache_enabled set_autocast_cpu_dtype "
        "set_autocast_cpu_enabled set_autocast_dtype set_autocast_enabled set_autocast_gpu_dtype",
        "nvidia-smi tells it": "clock_rate list_gpu_processes memory_usage power_draw temperature "
        "utilization",
        _GRAPH: "graph_pool_handle make_graphed_callables",
        "use untyped_storage() of a tensor": "BoolStorage ByteStorage CharStorage DoubleStorage "
        "FloatStorage HalfStorage IntStorage LongStorage ShortStorage TypedStorage UntypedStorage",
        "use jit.fork and jit.wait, which run at once": "fork wait",
        "use functional.embedding_bag": "embedding_bag",
        "use Adam: gradients are dense": "SparseAdam",
        "use functional.cross_entropy of a linear layer's output": "linear_cross_entropy "
        "LinearCrossEntropyLoss",
    }
)
INSTEAD: Mapping[str, str] = MappingProxyType(
    {name: why for why, names in _REASONS.items() for name in names.split()}
)
"""Names of PyTorch's that are not here, and why, or what to use instead."""

_NAMED: Mapping[str, str] = MappingProxyType(
    {
        _GRAPH: "cuda.CUDAGraph cuda.MemPool",
        "use cuda.Event": "Event",
        "use cuda.Stream": "cuda.ExternalStream",
        _ONE: "distributed.DeviceMesh",
        "mpiexec makes the processes known to each other": "distributed.FileStore "
        "distributed.HashStore distributed.PrefixStore distributed.Store distributed.TCPStore",
        _QUANTISED: "quint4x2 quint2x4",
        _NO_TRACE: "AnyType ClassType DictType FloatType Graph IntType ListType OptionalType "
        "ScriptFunction StringType TensorType TupleType",
        _BOUND: "DispatchKey Tag ops.aten",
        "torch.load reads PyTorch's checkpoint files": "PyTorchFileReader PyTorchFileWriter",
        "use torch.linalg.eigh": "lobpcg",
    }
)
NAMED: Mapping[str, str] = MappingProxyType(
    {name: why for why, names in _NAMED.items() for name in names.split()}
)
"""What programs name when they are imported, in annotations or tables, and why not more."""

IMPORTED: Mapping[str, str] = MappingProxyType({"distributed.init_device_mesh": _ONE})
"""Functions that programs import by name whether or not they call them."""

METHODS = (
    "ccol_indices grad_dtype hash_tensor index ipu mtia name "
    "chalf coalesce col_indices crow_indices dense_dim "
    "dequantize dim_order eig indices int_repr is_coalesced lstsq module_load "
    "q_per_channel_axis q_per_channel_scales q_per_channel_zero_points "
    "q_scale q_zero_point qscheme reinforce resize resize_as resize_as_sparse_ "
    "row_indices slice_inverse smm solve sparse_dim sparse_mask sparse_resize_ "
    "sparse_resize_and_clear_ sspaddmm storage_type symeig to_mkldnn "
    "to_padded_tensor to_sparse_bsc to_sparse_bsr to_sparse_csc "
    "to_sparse_csr values "
    "volatile xpu"
).split()
"""Methods of PyTorch's tensors that are not here."""
