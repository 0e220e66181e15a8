"""Modules that programs import from PyTorch, often without using them, and that are not here.

Such a module can be imported, and so can any name in it. What a name stands for can be asked for
by `isinstance`, and subclassed; making or calling it says what is missing, and what there is
instead. `docs/pytorch.md` lists them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType, ModuleType
from typing import Any

from . import paths

__all__ = [
    "INSTEAD",
    "METHODS",
    "MODULES",
    "Absent",
    "MissingAttribute",
    "MissingName",
    "explain",
    "explain_below",
    "install",
    "lookup",
    "stand_in",
    "without",
]

_ONE = "nn.parallel.DistributedDataParallel keeps a whole model in each process"
_NO_TRACE = "there is no compiler: models run as Python"
_QUANTISED = "there are no quantised tensors"
_DOWNLOADS = "nothing is downloaded but data sets; torch.load reads PyTorch's checkpoint files"
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
        _DOWNLOADS: "hub utils.model_zoo",
        _BOUND: "_C _VF _ops _prims _refs classes library utils.cpp_extension _classes _custom_op "
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
        "there are no sparse tensors": "sparse cuda.sparse",
        "there are no nested tensors; nn.utils.rnn packs and pads sequences": "nested "
        "nn.attention.varlen",
        "use NumPy": "_numpy",
        "use functional.cross_entropy of a linear layer's output": ""
        "nn.modules.linear_cross_entropy nn.modules.linear_cross_entropy_options",
        "use cuda.graph, which captures a function": "accelerator.graphs cuda.graphs "
        "cuda._annotate_cuda_graph_trace cuda._graph_annotations",
        "debug.profile tells what takes how long": "autograd.profiler_util contrib "
        "cuda._memory_viz cuda._gpu_trace cuda._sanitizer profiler._chrome_trace_export "
        "profiler._cupti_monitor profiler._cupti_monitor_trace profiler._memory_profiler "
        "profiler._pattern_matcher profiler._trace_validator profiler._utils profiler.itt "
        "profiler.python_tracer utils._cuda_debug utils._runtime_estimation utils._stats "
        "utils._strobelight utils.debug_log utils.viz",
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
        "use Python's weakref": "utils.weak",
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

_PACKAGES = frozenset([name.rpartition(".")[0] for name in (*MODULES, *paths.PATHS)])
"""Modules that have such a module below them, or a path of `paths.py`."""

_DECORATORS = frozenset({"allow_in_graph", "disable", "wrap"})
"""Names in them that tell a compiler how to treat a function: it stays as it is."""


def _same(function: Any = None, *args: Any, **kwargs: Any) -> Any:
    return function if callable(function) else _same


_ANSWERS: Mapping[str, Any] = MappingProxyType(
    {
        **dict.fromkeys(("is_available", "is_initialized", "is_torchelastic_launched"), False),
        **dict.fromkeys(
            ("is_compiling", "is_exporting", "_is_in_bad_fork", "_are_functorch_transforms_active"),
            False,
        ),
        **dict.fromkeys(("empty_cache", "manual_seed_all", "reset", "set_logs"), None),
        "_log_api_usage_once": None,
        "is_compile_supported": True,  # compile gives the function back
        "_get_tracing_state": None,
        **dict.fromkeys(("get_proxy_mode", "is_fake"), None),
        "device_count": 0,
    }
)
"""What functions in them return that programs call whether or not the module is of use."""

_SETTINGS = ("_jit_set_", "_jit_override_", "_set_graph_executor")
"""How functions begin that set something of a compiler: they do nothing."""


def _known(name: str) -> Any:
    """A function that programs call whether or not its module is of use, or None."""
    if name in _ANSWERS or name.startswith(_SETTINGS):
        return lambda *args, **kwargs: _ANSWERS.get(name)
    return _same if name in _DECORATORS else None


class _StandIn(type):
    """A class without instances: making one raises, and says what there is instead."""

    why: str

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(cls.why)

    def __getitem__(cls, item: Any) -> Any:
        """Itself, in annotations such as `RRef[int]`."""
        return cls

    def __getattr__(cls, name: str) -> Any:
        """What would be in it, if it is a module: missing for the same reason."""
        if name.startswith("__") or cls.__module__ != __name__:  # a user's subclass has its own
            raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")
        if known := _known(name):
            return known
        whole, _, reason = cls.why.removeprefix("torch.").partition(" is not in tinygrad_lite: ")
        return stand_in(f"{whole}.{name}", reason)


def stand_in(name: str, why: str) -> Any:
    """A class in place of something that is missing.

    Args:
        name: its dotted name, such as "nn.parallel.DistributedDataParallel".
        why: what there is instead.
    """
    message = f"torch.{name} is not in tinygrad_lite: {why}"
    made = _StandIn(name.rpartition(".")[2], (), {"why": message, "__doc__": message})
    made.__module__ = __name__
    return made


class Absent(ModuleType):
    """A module of stand-ins.

    Args:
        package: the package that it would be in.
        name: its dotted name there.
        why: what there is instead.
    """

    def __init__(self, package: str, name: str, why: str) -> None:
        super().__init__(f"{package}.{name}", f"PyTorch's torch.{name}, which is missing: {why}.")
        self.__path__: list[str] = []  # so that looking for a module in it ends here
        self._name, self._why = name, why

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        if known := _known(name):
            return known
        made = stand_in(f"{self._name}.{name}", self._why)
        setattr(self, name, made)
        return made

    def __dir__(self) -> list[str]:
        return []


def install(package: str) -> None:
    """Let the modules of `MODULES` be imported from a package, and the paths of `paths.py`."""

    def make(name: str) -> Absent:
        above = name
        while above not in MODULES:  # below a missing module all is missing
            above = above.rpartition(".")[0]
        return Absent(package, name, MODULES[above])

    paths.install(package, MODULES, make)


_COMPLEX = "there are no complex tensors"
_SPARSE = "there are no sparse tensors"
_FACTORS = "neither NumPy nor CuPy has these factors; see linalg.lu and linalg.eigh"
_REASONS: Mapping[str, str] = MappingProxyType(
    {
        _COMPLEX: "cdouble cfloat complex eig eigvals imag "
        "istft polar stft view_as_complex view_as_real symeig",
        f"{_COMPLEX}; numpy.fft takes x.numpy(), without a gradient": "fft fft2 fftn hfft hfft2 "
        "hfftn ifft ifft2 ifftn ihfft irfft irfft2 irfftn rfft rfft2 rfftn",
        _QUANTISED: "dequantize int_repr q_scale q_zero_point qint32 qint8 qscheme "
        "quantize_per_channel quantize_per_tensor quint8",
        _SPARSE: "coalesce col_indices crow_indices dense_dim indices is_coalesced smm sparse_dim "
        "sparse_mask to_dense to_sparse to_sparse_coo to_sparse_csr values sparse_coo_tensor "
        "sparse_csr_tensor",
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
        "use cuda.graph, which captures a function": "CUDAGraph graph_pool_handle "
        "make_graphed_callables",
        "use untyped_storage() of a tensor": "BoolStorage ByteStorage CharStorage DoubleStorage "
        "FloatStorage HalfStorage IntStorage LongStorage ShortStorage TypedStorage UntypedStorage",
        "use cuda.Event": "Event",
        "use jit.fork and jit.wait, which run at once": "fork wait",
        "use functional.embedding_bag": "embedding_bag",
        "use Adam: gradients are dense": "SparseAdam",
        "use torch.linalg.eigh": "lobpcg",
        "use isend and irecv, or scatter from each process in turn": "P2POp all_to_all "
        "all_to_all_single batch_isend_irecv",
        "use functional.cross_entropy of a linear layer's output": "linear_cross_entropy "
        "LinearCrossEntropyLoss",
    }
)
INSTEAD: Mapping[str, str] = MappingProxyType(
    {name: why for why, names in _REASONS.items() for name in names.split()}
)
"""Names of PyTorch's that are not here, and why, or what to use instead."""


class MissingName(AttributeError):
    """An attribute that is not here: what is near is looked for when the message is read.

    Args:
        owner: who lacks it, such as "module 'tinygrad_lite.nn'".
        name: what was asked for.
        names: gives what there is.
    """

    def __init__(self, owner: str, name: str, names: Callable[[], Iterable[str]]) -> None:
        super().__init__(owner, name)
        self._names = names

    def why(self) -> str:
        """That it is missing, and what is near; of a private name nothing."""
        name = self.args[1]
        if name.startswith("_"):
            return ""
        import difflib  # here, because few ever need it

        near = difflib.get_close_matches(name, list(self._names()), 3, 0.75)
        hint = INSTEAD.get(name) or (f"nearest: {', '.join(near)}" if near else "")
        return f": it is missing here, if PyTorch has it{f'; {hint}' if hint else ''}"

    def __str__(self) -> str:
        owner, name = self.args
        return f"{owner} has no attribute {name!r}{self.why()}"

    def __reduce__(self) -> Any:
        return AttributeError, (str(self),)


def lookup(module: str, name: str, names: Callable[[], Iterable[str]]) -> Any:
    """The module of a path (`paths.py`) that is asked for as an attribute of another module.

    Args:
        module: who is asked.
        name: for what.
        names: gives what there is.

    Raises:
        MissingName: there is no such path.
        ImportError: the same, of `from module import name`: Python's own would not say why.
    """
    found = paths.find(module, name)
    if found is None:
        missing = MissingName(f"module {module!r}", name, names)
        if _is_imported() and not name.startswith("_"):
            raise ImportError(f"cannot import name {name!r} from {module!r}{missing.why()}")
        raise missing
    return found


def _is_imported() -> bool:
    """Whether the name of a `from … import name` outside of the package is asked for now."""
    frame: Any = sys._getframe()
    package = __name__.partition(".")[0]
    while frame and str(frame.f_globals.get("__name__")).partition(".")[0] == package:
        frame = frame.f_back
    if frame is None or frame.f_lasti < 0:
        return False
    from opcode import opmap  # here, because few ever need it

    return bool(frame.f_code.co_code[frame.f_lasti] == opmap["IMPORT_FROM"])


class MissingAttribute:
    """A method of PyTorch's tensors that is not here, and says so.

    Not by `__getattr__`: with one, Python 3.11 reads every attribute of a tensor at five times
    the cost. (hasattr() is False; what a program sets on its own tensor under this name is read.)
    """

    def __init__(self, owner: str, name: str) -> None:
        self._owner, self._name = owner, name

    def __get__(self, instance: Any, kind: Any = None) -> Any:
        raise MissingName(self._owner, self._name, lambda: {*dir(kind)} - {*METHODS})


METHODS = (
    "ccol_indices cdouble cfloat chalf coalesce col_indices crow_indices dense_dim "
    "dequantize dim_order eig imag indices int_repr is_coalesced istft lstsq module_load "
    "q_per_channel_axis q_per_channel_scales q_per_channel_zero_points "
    "q_scale q_zero_point qscheme reinforce resize resize_as resize_as_sparse_ "
    "row_indices slice_inverse smm solve sparse_dim sparse_mask sparse_resize_ "
    "sparse_resize_and_clear_ sspaddmm stft storage_type symeig to_dense to_mkldnn "
    "to_padded_tensor to_sparse to_sparse_bsc to_sparse_bsr to_sparse_coo to_sparse_csc "
    "to_sparse_csr values "
    "volatile xpu"
).split()
"""Methods of PyTorch's tensors that are not here."""


def without(owner: type) -> None:
    """Give a class a stand-in for each of `METHODS`, which raises and says that it is missing."""
    for name in METHODS:
        if not hasattr(owner, name):
            setattr(owner, name, MissingAttribute(owner.__name__, name))


def explain_below(package: str) -> None:
    """`explain` for a package and for each module of it that was imported, at the package's end."""
    for name in [*sys.modules]:
        if name == package or name.startswith(f"{package}."):
            explain(name)


def explain(module: str) -> None:
    """Give a module a `__getattr__` whose error says that a name is missing, and which are similar.

    Called at the end of the module, so that a type checker knows nothing of it.
    """
    here = sys.modules[module]
    if hasattr(type(here), "__getattr__"):  # it says so by itself
        return
    listing = vars(here).get("__dir__")
    if module.partition(".")[2] in _PACKAGES:  # its paths below are looked for
        vars(here).setdefault("__path__", [])

    def names() -> Iterable[str]:
        return listing() if listing else vars(here).get("__all__") or dir(here)

    def __getattr__(name: str) -> Any:
        return lookup(module, name, names)

    vars(here).setdefault("__getattr__", __getattr__)
