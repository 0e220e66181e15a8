"""`torch.backends`: the switches that course code sets; they steer CUDA alone."""

from types import SimpleNamespace as _SimpleNamespace

from ..absent import explain as _explain
from . import cuda as cuda
from . import cudnn as cudnn
from . import mps as mps

__all__ = ["cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp"]


def _no() -> bool:
    """Whether it is available: PyTorch's own CPU libraries are not."""
    return False


mkl, mkldnn, openmp = (_SimpleNamespace(is_available=_no, enabled=False) for _ in range(3))

_explain(__name__)
