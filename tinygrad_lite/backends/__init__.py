"""PyTorch's `torch.backends`, a front: switches that programs set. (Our kernels: `backend`.)

Only the two of TF32 have an effect, on CUDA: `backends.cuda.matmul.allow_tf32` and
`backends.cudnn.allow_tf32`. They are stored in `backend/precision.py`.
"""

from ..absent import explain as _explain
from . import cuda as cuda
from . import cudnn as cudnn
from . import libraries as _libraries
from . import mps as mps

__all__ = ["cuda", "cudnn", "mps", *_libraries.LIBRARIES]

for _name in _libraries.LIBRARIES:
    globals()[_name] = _libraries.make(__name__, _name)

_explain(__name__)
