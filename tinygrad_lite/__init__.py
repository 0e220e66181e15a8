"""PyTorch's everyday API on NumPy and CuPy: the public names, which the rooms list."""

import typing as _typing
import warnings as _warnings

from . import absent as _absent
from .alias import as_torch as as_torch
from .backend import Device as device  # noqa: F401
from .backend import listing as _listing
from .backend.algorithm import *
from .backend.num_threads import *
from .backend.out_of_memory import *
from .backend.precision import *
from .backend.random import *
from .tensor import *
from .tensor.arguments import explain as _explain
from .tensor.arrange import *
from .tensor.assemble import *
from .tensor.calculus import *
from .tensor.closeness import *
from .tensor.compare import *
from .tensor.concatenate import *
from .tensor.contract import *
from .tensor.create import *
from .tensor.decompose import old_cholesky as cholesky  # noqa: F401
from .tensor.decompose import old_qr as qr  # noqa: F401
from .tensor.decompose import old_svd as svd  # noqa: F401
from .tensor.draw import *
from .tensor.dtypes import *
from .tensor.elementwise import *
from .tensor.exchange import *
from .tensor.export import to_dlpack  # noqa: F401
from .tensor.extremes import *
from .tensor.functions import *
from .tensor.histograms import *
from .tensor.householder import *
from .tensor.index import *
from .tensor.info import *
from .tensor.legacy import *
from .tensor.linalg import *
from .tensor.logical import *
from .tensor.lu import *
from .tensor.lu import old_lu as lu  # noqa: F401
from .tensor.lu import old_lu_solve as lu_solve  # noqa: F401
from .tensor.numbers import *
from .tensor.order import *
from .tensor.printing import *
from .tensor.rank import *
from .tensor.real import *
from .tensor.rectifier import *
from .tensor.reduce import *
from .tensor.replace import *
from .tensor.sample import *
from .tensor.scatter import *
from .tensor.search import *
from .tensor.settings import *
from .tensor.settings import _assert as _assert
from .tensor.settings import _assert_async as _assert_async
from .tensor.shape import *
from .tensor.solve import *
from .tensor.solve import old_slogdet as slogdet  # noqa: F401
from .tensor.special import *
from .tensor.spectrum import *
from .tensor.statistics import *
from .tensor.strided import *
from .tensor.windows import *
from .version import __version__ as __version__

_explain(globals())  # which argument is no tensor
_absent.install(__name__)  # modules that are imported by many, and missing
for _name in ("ops", "version"):
    _absent.explain(f"{__name__}.{_name}")  # which are below it, or private
del _name

if _typing.TYPE_CHECKING:
    from . import accelerator as accelerator
    from . import amp as amp
    from . import autograd as autograd
    from . import backends as backends
    from . import compiler as compiler
    from . import cpu as cpu
    from . import cuda as cuda
    from . import data as data
    from . import debug as debug
    from . import distributed as distributed
    from . import distributions as distributions
    from . import fft as fft
    from . import func as func
    from . import functional as functional
    from . import futures as futures
    from . import hub as hub
    from . import jit as jit
    from . import linalg as linalg
    from . import multiprocessing as multiprocessing
    from . import nn as nn
    from . import onnx as onnx
    from . import optim as optim
    from . import overrides as overrides
    from . import profiler as profiler
    from . import random as random
    from . import safetensors as safetensors
    from . import signal as signal
    from . import sparse as sparse
    from . import special as special
    from . import testing as testing
    from . import types as types
    from . import utils as utils
    from . import version as version
    from .checkpoint import *
    from .serialization import *
else:
    # Rooms that are loaded when they are first asked for: together they take as long to load
    # as all the rest, and data brings HTTP along.
    _LATER = (
        *("accelerator", "amp", "autograd", "backends", "compiler", "cpu", "cuda", "data", "debug"),
        *("distributed", "distributions", "fft", "func", "functional", "futures", "hub", "jit"),
        *(
            "library",
            "linalg",
            "multiprocessing",
            "nn",
            "onnx",
            "optim",
            "overrides",
            "profiler",
            "random",
        ),
        *("safetensors", "signal", "sparse", "special", "testing", "types", "utils", "version"),
    )

    # Of nn.functional, what PyTorch has at the top as well, with the same arguments in their order.
    _FUNCTIONAL = frozenset(
        "adaptive_avg_pool1d avg_pool1d bilinear celu "
        "channel_shuffle conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d "
        "cosine_similarity max_pool1d max_pool2d max_pool3d pairwise_distance pixel_shuffle "
        "pixel_unshuffle rms_norm rrelu_ selu selu_ celu_ threshold threshold_".split()
    )

    # Of files: as long to load as a tenth of all the rest, and many programs read none.
    _FILES = {
        **dict.fromkeys(("FileError", "load", "save"), "serialization"),
        **dict.fromkeys(
            ("load_checkpoint", "previous_checkpoint", "save_checkpoint"), "checkpoint"
        ),
    }

    # What few programs use: copies of views, and layers' functions with other arguments.
    _COPIES = (
        "alias_copy as_strided_copy detach_copy diagonal_copy expand_copy narrow_copy permute_copy "
        "select_copy slice_copy split_copy split_with_sizes_copy squeeze_copy t_copy "
        "transpose_copy unbind_copy unfold_copy unsqueeze_copy view_copy"
    ).split()
    _TOP = (
        "adaptive_max_pool1d affine_grid_generator alpha_dropout alpha_dropout_ batch_norm "
        "binary_cross_entropy_with_logits constant_pad_nd conv_tbc convolution "
        "cosine_embedding_loss ctc_loss dropout dropout_ embedding embedding_renorm_ "
        "feature_alpha_dropout feature_alpha_dropout_ grid_sampler grid_sampler_2d "
        "grid_sampler_3d group_norm gru_cell hinge_embedding_loss instance_norm kl_div "
        "layer_norm lstm_cell margin_ranking_loss max_pool1d_with_indices norm_except_dim "
        "poisson_nll_loss rnn_relu_cell rnn_tanh_cell rrelu triplet_margin_loss "
        "_log_softmax_backward_data _softmax_backward_data"
    ).split()
    _CASTS = (
        "clear_autocast_cache get_autocast_cpu_dtype get_autocast_gpu_dtype "
        "is_autocast_cache_enabled is_autocast_cpu_enabled"
    ).split()

    # What is at the top, and in a module that is loaded when it is first asked for.
    _ELSEWHERE = {
        **dict.fromkeys(_COPIES, "tensor.copies"),
        **dict.fromkeys(_TOP, "nn.top"),
        **dict.fromkeys(("gru", "lstm", "rnn_relu", "rnn_tanh"), "nn.recurrent_functions"),
        **dict.fromkeys(_CASTS, "amp.settings"),
        "Future": "futures",
        "GradScaler": "amp",
        "ScriptModule": "jit",
        "Stream": "cuda",
        **dict.fromkeys(("SymBool", "SymFloat", "SymInt"), "compiler"),
        "TypedStorage": "tensor.storages",
        "UntypedStorage": "tensor.storages",
        "compile": "compiler",
        "get_device_module": "accelerator",
        "cond": "compiler",
        "sparse_coo_tensor": "tensor.sparse_operations",
        "pca_lowrank": "tensor.lowrank",
        "svd_lowrank": "tensor.lowrank",
        "vmap": "func",
    }

    _loaded = {}

    def __getattr__(name):
        from importlib import import_module

        if name in _LATER:
            return import_module(f"{__name__}.{name}")
        if name in _FILES:
            return globals().setdefault(
                name, getattr(import_module(f"{__name__}.{_FILES[name]}"), name)
            )
        if name in _ELSEWHERE:
            if name not in _loaded:
                found = {name: getattr(import_module(f"{__name__}.{_ELSEWHERE[name]}"), name)}
                _explain(found)
                _loaded.update(found)
            return _loaded[name]
        if name in _FUNCTIONAL:
            return getattr(import_module(f"{__name__}.nn.functional"), name)
        if name.startswith("_foreach_"):  # one operation on each tensor of a list
            each = import_module(f"{__name__}.tensor.foreach")
            if name in each.NAMES:
                return globals().setdefault(name, each.foreach(name))
        if name.startswith("_check"):
            checks = import_module(f"{__name__}.tensor.checks")
            if name in checks.__all__:
                return globals().setdefault(name, getattr(checks, name))
        if name == "torch":  # PyTorch's package has itself, and programs say torch.torch
            return import_module(__name__)
        return _absent.lookup(__name__, name, __dir__)

    def __dir__():
        elsewhere = (name for name in _ELSEWHERE if not name.startswith("_"))
        made = ("__version__", *elsewhere, *_FUNCTIONAL, *_FILES)
        return _listing.listing(globals(), *made, *_LATER)


# NumPy warns of log(0) or an overflow where PyTorch is silent. The filter reaches only
# warnings raised from this package's own lines; an errstate around each operation would
# cost a microsecond.
_warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"tinygrad_lite\.")
