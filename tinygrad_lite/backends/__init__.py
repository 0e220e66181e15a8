"""PyTorch's `torch.backends`, a front: switches that programs set. (Our kernels: `backend`.)

Only the two of TF32 have an effect, on CUDA: `backends.cuda.matmul.allow_tf32` and
`backends.cudnn.allow_tf32`. They are stored in `backend/precision.py`.
"""

from types import SimpleNamespace as _SimpleNamespace

from ..absent import explain as _explain
from . import cuda as cuda
from . import cudnn as cudnn
from . import mps as mps

__all__ = [
    *("cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "nnpack", "openmp", "opt_einsum"),
    *("quantized", "xnnpack"),
]


def _no() -> bool:
    """False: PyTorch's own libraries for the CPU are not here."""
    return False


mkl, mkldnn, openmp, nnpack = (_SimpleNamespace(is_available=_no, enabled=False) for _ in range(4))
xnnpack = _SimpleNamespace(enabled=False)
quantized = _SimpleNamespace(engine="none", supported_engines=["none"])
cpu = _SimpleNamespace(get_cpu_capability=lambda: "DEFAULT")
opt_einsum = _SimpleNamespace(is_available=_no, enabled=False, strategy=None)

_explain(__name__)
