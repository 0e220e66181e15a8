"""`torch.backends`: the switches that course code sets; they steer CUDA alone."""

from . import cuda as cuda
from . import cudnn as cudnn

__all__ = ["cuda", "cudnn"]
