"""Modules where PyTorch has them, the names that are missing, and small things at the top."""

from __future__ import annotations

import importlib
import importlib.util
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tinygrad_lite as torch
from tinygrad_lite import absent, nn
from tinygrad_lite.version import Version, release

# What programs import from where.
IMPORTS = """
    accelerator: current_accelerator is_available
    amp: GradScaler autocast
    autograd: Function Variable
    autograd.function: Function InplaceFunction once_differentiable
    cpu.amp: GradScaler autocast
    backends: cuda cudnn mps
    backends.cudnn: benchmark version
    backends.mps: is_available
    cuda: FloatTensor LongTensor empty_cache is_available manual_seed_all
    cuda.amp: GradScaler autocast
    functional: F Tensor einsum meshgrid norm split torch
    jit: ignore script trace
    multiprocessing: Process Queue spawn
    nn: DataParallel Module Parameter functional init modules parallel utils
    nn.functional: Tensor conv2d math relu torch
    nn.init: _calculate_correct_fan _calculate_fan_in_and_fan_out kaiming_normal_ xavier_uniform_
    nn.modules: Linear Module
    nn.modules.activation: MultiheadAttention ReLU
    nn.modules.batchnorm: BatchNorm2d _BatchNorm _NormBase
    nn.modules.container: ModuleList Sequential
    nn.modules.conv: Conv2d _ConvNd
    nn.modules.linear: Linear
    nn.modules.loss: CrossEntropyLoss _Loss _WeightedLoss
    nn.modules.module: Module
    nn.modules.pooling: MaxPool2d
    nn.modules.rnn: LSTM RNNBase
    nn.modules.utils: _ntuple _pair _single _triple
    nn.parallel: DataParallel DistributedDataParallel data_parallel
    nn.parallel.distributed: DistributedDataParallel
    nn.parameter: Parameter UninitializedParameter
    nn.utils: clip_grad_norm_
    nn.utils.rnn: pack_padded_sequence pad_sequence
    onnx: export
    optim: Adam SGD lr_scheduler
    optim.lr_scheduler: LambdaLR StepLR
    optim.optimizer: Optimizer
    random: fork_rng manual_seed
    serialization: load save
    testing: assert_close make_tensor
    types: Device Number _device _dtype _int _size
    utils: data
    utils.checkpoint: checkpoint get_device_states set_device_states
    utils.data: DataLoader Dataset random_split
    utils.data.dataloader: DataLoader Sampler default_collate functools os torch
    utils.data.dataset: Dataset IterableDataset Subset TensorDataset default_generator
    utils.data.distributed: DistributedSampler
    utils.data.sampler: RandomSampler Sampler SubsetRandomSampler
    utils.dlpack: from_dlpack to_dlpack
    _utils: _flatten_dense_tensors _unflatten_dense_tensors
    amp.autocast_mode: autocast
    amp.grad_scaler: GradScaler
    autograd.anomaly_mode: detect_anomaly
    autograd.grad_mode: inference_mode no_grad set_grad_enabled
    autograd.graph: Node register_multi_grad_hook save_on_cpu
    autograd.variable: Variable
    cuda.amp.autocast_mode: autocast
    cuda.memory: empty_cache memory_allocated
    cuda.random: manual_seed_all
    cuda.streams: Event Stream
    distributed.distributed_c10d: get_rank
    distributions.log_normal: LogNormal
    distributions.normal: broadcast_all constraints math torch
    distributions.utils: F
    distributions.studentT: StudentT
    nn.common_types: _ratio_2_t _size_1_t _size_2_opt_t _size_2_t _size_any_t
    nn.grad: conv2d_input conv2d_weight
    nn.modules.activation: F constant_ xavier_normal_ xavier_uniform_
    nn.modules.loss: F Tensor
    nn.modules.normalization: Size
    nn.modules.rnn: PackedSequence math warnings
    nn.utils.spectral_norm: SpectralNorm spectral_norm
    nn.utils.weight_norm: WeightNorm remove_weight_norm weight_norm
    optim.adamw: AdamW
    overrides: has_torch_function is_tensor_like
    signal.windows: hann
    storage: UntypedStorage
    utils.benchmark: Compare Measurement Timer
    utils.collect_env: get_pretty_env_info
    utils.data._utils.collate: default_collate
    version: __version__ cuda
"""


@pytest.mark.parametrize("line", [line.strip() for line in IMPORTS.strip().splitlines()])
def test_names_are_where_pytorch_has_them(line: str) -> None:
    path, names = line.split(": ")
    for top in ("tinygrad_lite", "torch"):
        if top == "torch":  # so the list says the truth
            pytest.importorskip("torch")
        module = importlib.import_module(f"{top}.{path}")
        assert [name for name in names.split() if not hasattr(module, name)] == []


def test_modules_that_pytorch_imports_for_itself() -> None:
    from tinygrad_lite import math as found
    from tinygrad_lite.functional import F

    assert (found, F) == (math, nn.functional)
    assert torch.sys is sys
    assert nn.modules.conv.torch is torch
    assert not any(hasattr(module, "F") for module in (torch, nn, nn.modules, nn.functional))
    assert not any(hasattr(module, "math") for module in (nn, torch.functional, torch.cuda))


def test_paths_lead_to_the_same_classes() -> None:
    from tinygrad_lite.nn.modules.batchnorm import _BatchNorm
    from tinygrad_lite.nn.modules.conv import Conv2d, _ConvNd
    from tinygrad_lite.nn.modules.utils import _pair, _triple

    assert (isinstance(nn.BatchNorm2d(2), _BatchNorm), Conv2d) == (True, nn.Conv2d)
    assert isinstance(nn.Conv2d(1, 1, 1), _ConvNd)
    norm = nn.InstanceNorm2d(2)
    assert isinstance(norm, nn.modules.batchnorm._NormBase)
    assert not isinstance(norm, _BatchNorm)
    assert nn.SyncBatchNorm.convert_sync_batchnorm(norm) is norm
    weighted = nn.modules.loss._WeightedLoss
    assert weighted(None, None, None, "sum").reduction == "sum"
    assert isinstance(nn.BCELoss(), weighted)
    assert isinstance(nn.NLLLoss(), weighted)
    assert (_pair(2), _pair([1, 2]), _triple("a")) == ((2, 2), (1, 2), ("a",))
    with pytest.raises(AttributeError, match="Nothing"):
        nn.modules.conv.Nothing  # noqa: B018


# --- what is missing ---


@pytest.mark.parametrize("name", absent.MODULES)
def test_missing_modules_can_be_imported_and_say_so(name: str) -> None:
    module: Any = importlib.import_module(f"tinygrad_lite.{name}")
    thing = module.some_function
    assert thing is module.some_function
    with pytest.raises(NotImplementedError, match=rf"torch\.{name}\.some_function is not in"):
        thing(1, 2)
    assert not isinstance(nn.ReLU(), thing)
    with pytest.raises(AttributeError):
        module.__nothing__  # noqa: B018
    if "." not in name:
        assert getattr(torch, name) is module


def test_what_programs_ask_of_missing_modules() -> None:
    from tinygrad_lite.distributed.fsdp import FullyShardedDataParallel

    from tinygrad_lite.utils.tensorboard import SummaryWriter

    assert not isinstance(nn.Linear(1, 1), FullyShardedDataParallel)
    with pytest.raises(NotImplementedError, match="FullyShardedDataParallel is not in"):
        FullyShardedDataParallel(nn.Linear(1, 1))
    if importlib.util.find_spec("tensorboardX") is None:
        with pytest.raises(NotImplementedError, match="tensorboardX"):
            SummaryWriter("runs")
    assert torch.xpu.is_available() is False
    with pytest.raises(ModuleNotFoundError):
        import tinygrad_lite.nothing  # noqa: F401
    below: Any = importlib.import_module("tinygrad_lite.ao.quantization.observer")
    with pytest.raises(NotImplementedError, match=r"ao.quantization.observer.x is not .* quantis"):
        below.x()
    assert torch.fx.Tracer.of is not None
    with pytest.raises(NotImplementedError, match=r"torch\.fx\.Tracer\.of is not in"):
        torch.fx.Tracer.of()

    class Own(torch.fx.Tracer):  # type: ignore[misc]
        """What a program makes of it keeps to what it has."""

    with pytest.raises(AttributeError):
        Own.of  # noqa: B018
    assert torch._C._jit_set_profiling_mode(False) is None
    assert torch._dynamo.disable(len) is torch._dynamo.disable(recursive=False)(len) is len
    assert torch.xpu.device_count() == 0
    assert torch.torch is torch
    assert not torch._C._are_functorch_transforms_active()
    assert not any(isinstance(3, kind) for kind in (torch.SymInt, torch.SymFloat, torch.SymBool))
    assert torch.distributed.ReduceOp.RedOpType is torch.distributed.ReduceOp
    assert torch._dynamo.reset() is None
    assert list[torch.distributed.rpc.RRef[int]]  # in annotations
    assert torch._dynamo.utils.is_compile_supported("cpu")
    assert torch._C._log_api_usage_once("a model was made") is None


def test_paths_below_modules_are_found_as_attributes() -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("json.hub")  # only what is below our own package
    assert torch.utils.data._utils.collate.default_collate is torch.utils.data.default_collate
    assert torch.cuda.memory.empty_cache is torch.cuda.empty_cache
    assert torch.autograd.grad_mode.no_grad is torch.no_grad
    assert torch.torch_version.TorchVersion is Version
    assert "no_grad" in dir(torch.autograd.grad_mode)
    benchmark: Any = importlib.import_module("tinygrad_lite.utils.benchmark")
    assert benchmark.utils.timer.Timer is benchmark.Timer
    assert torch.nn.grad.conv2d_input.__name__ == "conv2d_input"
    with pytest.raises(AttributeError, match="nothing"):
        torch.cuda.memory.nothing  # noqa: B018
    with pytest.raises(AttributeError):
        torch.cuda.memory.__nothing__  # noqa: B018


def test_compile_and_jit_leave_things_as_they_are() -> None:
    model = nn.Linear(2, 2)
    with pytest.warns(UserWarning, match="no compiler"):
        assert torch.compile(model) is model
    with pytest.warns(UserWarning, match="no compiler"):

        @torch.compile(fullgraph=True)
        def double(x: Any) -> Any:
            return x * 2

    assert double(2) == torch.jit.script(double)(2) == torch.jit.ignore(double)(2) == 4
    with pytest.raises(NotImplementedError, match=r"jit\.trace"):
        torch.jit.trace(model, torch.ones(2))


# --- the version ---


def test_the_version_is_a_pytorch_2() -> None:
    version = torch.__version__
    assert version == f"2.13.0+tinygrad_lite.{release}" == str(version)
    assert version >= "2.0"
    assert version > "2.9.1"  # though "2.13" < "2.9" as text
    assert version < "2.14"
    assert version >= (2, 13)
    assert not version < "2.13.0"
    assert int(version.split(".")[0]) == 2
    assert Version("2.0.0") <= "2"
    assert tuple(map(int, re.findall(r"\d+", version)[:2])) == (2, 13)
    text = (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{release}"' in text


# --- `import torch` ---

PROGRAM = """
import sys
import torch, torch.nn as nn, torch.nn.functional as F
from torch.utils.data import DataLoader
from torch.utils.data.sampler import RandomSampler
from torch.nn.modules.conv import _ConvNd
import torch.distributed as dist
import tinygrad_lite, tinygrad_lite.nn
assert torch is tinygrad_lite and nn is tinygrad_lite.nn and F is nn.functional
assert nn.__name__ == nn.__spec__.name == "tinygrad_lite.nn"
assert isinstance(nn.Conv2d(1, 1, 1), _ConvNd) and dist is tinygrad_lite.distributed
from torch.nn.utils import clip_grad_norm_
try:
    import torch.nothing
except ModuleNotFoundError as error:
    assert error.name == "torch.nothing"
assert [name for name in sys.modules if name.startswith("torch.") and
        sys.modules[name].__name__.startswith("torch.")] == []
print(sys.argv[1:], __name__)
"""


def test_a_program_that_imports_torch(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [
        sys.executable,
        "-m",
        "tinygrad_lite",
        "run",
        str(tmp_path / "program.py"),
        "-x",
        "1",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("['-x', '1'] __main__\n", "", 0)


def test_the_alias_does_not_hide_another_torch() -> None:
    code = (
        "import sys, types; sys.modules['torch'] = types.ModuleType('torch')\n"
        "import tinygrad_lite\n"
        "try: tinygrad_lite.as_torch()\n"
        "except RuntimeError as error: print('refused')\n"
        "tinygrad_lite.as_torch('pytorch'); tinygrad_lite.as_torch('pytorch')\n"
        "import multiprocessing; multiprocessing.connection.Connection\n"
        "import pytorch.nn; assert pytorch.nn is tinygrad_lite.nn; print(len(sys.meta_path))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("refused\n")


# --- small things ---


def test_default_device_and_tensor_type() -> None:
    try:
        torch.set_default_tensor_type(torch.DoubleTensor)
        assert torch.zeros(1).dtype == torch.float64
        torch.set_default_tensor_type("torch.FloatTensor")
        assert torch.zeros(1).dtype == torch.float32
        torch.set_default_device("cpu")
        assert torch.get_default_device() == torch.device("cpu")
        if not torch.cuda.is_available():
            with torch.device("cuda"), pytest.raises(RuntimeError, match="CUDA is not available"):
                torch.zeros(1)
            with pytest.raises(RuntimeError, match="CUDA is not available"):
                torch.cuda.FloatTensor(2)
        assert torch.zeros(1).device.type == "cpu"
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)
    assert (str(torch.device(1)), str(torch.device(type="cuda", index=2))) == ("cuda:1", "cuda:2")


def test_limits_of_dtypes_print_as_pytorchs() -> None:
    theirs = pytest.importorskip("torch")
    for name in ("float16", "float32", "float64"):
        mine, its = torch.finfo(getattr(torch, name)), theirs.finfo(getattr(theirs, name))
        assert repr(mine) == repr(its)
        for key in ("bits", "eps", "max", "min", "tiny", "smallest_normal", "resolution"):
            assert getattr(mine, key) == getattr(its, key)
    for name in ("uint8", "int8", "int16", "int32", "int64"):
        mine, its = torch.iinfo(getattr(torch, name)), theirs.iinfo(getattr(theirs, name))
        assert (repr(mine), mine.bits) == (repr(its), its.bits)
    with pytest.raises(TypeError, match="iinfo"):
        torch.finfo(torch.int64)
    with pytest.raises(TypeError, match="finfo"):
        torch.iinfo(torch.float32)


def test_settings_that_are_as_they_are() -> None:
    assert not torch.set_flush_denormal(True)
    torch.set_num_interop_threads(2)
    assert torch.get_num_interop_threads() == 1
    with pytest.raises(RuntimeError, match="positive"):
        torch.set_num_interop_threads(0)
    with torch.cuda.device(None), torch.cuda.nvtx.range("x"):
        torch.cuda.nvtx.range_push("y")
        torch.cuda.nvtx.range_pop()
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeError, match="CUDA is not available"), torch.cuda.device(0):
            pass
        assert torch.cuda.memory_summary() == "no CUDA"
    torch.cuda.seed_all()
    assert torch.cuda.initial_seed() == torch.initial_seed()
    assert torch.xpu.is_available() is torch.mps.is_available() is False


def test_warnings_each_time() -> None:
    import warnings

    with warnings.catch_warnings():
        torch.set_warn_always(True)
        assert torch.is_warn_always_enabled()
        torch.set_warn_always(False)
    assert not torch.is_warn_always_enabled()


def test_a_subclass_makes_itself_of_a_tensor() -> None:
    class Weight(torch.Tensor):
        def __new__(cls, data: torch.Tensor) -> Weight:
            return torch.Tensor._make_subclass(cls, data, True)

        def __init__(self, *_: object) -> None:
            self.note = "mine"

    data = torch.tensor([1.0, 2.0])
    weight = Weight(data)
    assert (type(weight), weight.requires_grad, weight.is_leaf) == (Weight, True, True)
    assert weight.data_ptr() == data.data_ptr()
    (weight * 3).sum().backward()
    assert weight.grad is not None
    assert weight.grad.tolist() == [3, 3]
    weight.data.add_(1)
    assert data.tolist() == [2, 3]
    assert weight.note == "mine"


def test_memory_of_tensors() -> None:
    x = torch.arange(12.0).reshape(3, 4)
    y = x[1:, 2:]
    assert (y.stride(), y.stride(0), y.storage_offset()) == ((4, 1), 4, 6)
    assert y.untyped_storage().data_ptr() == x.untyped_storage().data_ptr() == x.data_ptr()
    assert (len(x.storage()), x.untyped_storage().nbytes(), x.nbytes) == (12, 48, 48)
    both = x.untyped_storage(), torch.ones(2, 2).untyped_storage()
    assert sys.getsizeof(both[0]) - sys.getsizeof(both[1]) == 48 - 16
    assert (x.element_size(), x.get_device(), x.is_cpu, x.is_xpu) == (4, -1, True, False)
    assert y.data_ptr() == x.data_ptr() + 24
    assert repr(x.layout) == "torch.strided"
    assert x.new(2, 3).shape == (2, 3)
    assert x.int().new([1.5]).dtype == torch.int32
    assert torch.is_storage(x.storage())
    z = torch.tensor([[1, 2], [3, 4]], dtype=torch.int16).t()
    z.storage()[-1] = 9
    assert (z.tolist(), z.storage().tolist(), z.storage()[1]) == ([[1, 3], [2, 9]], [1, 2, 3, 9], 2)
    assert sum(z.untyped_storage()) == 1 + 2 + 3 + 9
    facts = "dtype=torch.int16, device=cpu) of size 1]"
    assert repr(z[1, 1].clone().storage()) == f" 9\n[torch.storage.TypedStorage({facts}"
    assert repr(torch.zeros(1).bool().untyped_storage()).startswith(" 0\n[torch.storage.Untyped")
    assert z.storage().fill_(5).dtype is torch.int16
    assert z.tolist() == [[5, 5], [5, 5]]
    with pytest.raises(IndexError, match="index 4 out of range for storage of size 4"):
        z.storage()[4]
    z = torch.arange(6).resize_(2, 2)
    assert z.tolist() == [[0, 1], [2, 3]]
    assert z.resize_(5)[:4].tolist() == [0, 1, 2, 3]
    with pytest.raises(RuntimeError, match="require grad"):
        torch.ones(2, requires_grad=True).resize_(3)


def test_generators_and_their_states() -> None:
    generator = torch.Generator(device="cpu").manual_seed(3)
    wanted = torch.rand(2, generator=generator)
    assert torch.equal(wanted, torch.rand(2, generator=torch.Generator("cpu").manual_seed(3)))
    torch.manual_seed(1)
    with torch.random.fork_rng():
        torch.rand(5)
    a = torch.rand(1)
    torch.cuda.manual_seed_all(1)
    assert torch.equal(a, torch.rand(1))
    assert torch.seed() == torch.initial_seed()


def test_data_parallel_is_a_module_around_the_module() -> None:
    model = nn.DataParallel(nn.Linear(2, 3), device_ids=[0])
    assert list(model.state_dict()) == ["module.weight", "module.bias"]
    x = torch.ones(1, 2)
    assert torch.equal(model(x), model.module(x))
    assert torch.equal(nn.parallel.data_parallel(model.module, x), model.module(x))


def test_the_import_stays_light() -> None:
    code = "import sys, tinygrad_lite; assert 'tinygrad_lite.data' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
