"""Invertible functions that make distributions of others, as `torch.distributions.transforms`."""

from ...backend.listing import listing as _listing
from .base import ComposeTransform as ComposeTransform
from .base import IndependentTransform as IndependentTransform
from .base import Transform as Transform
from .base import _InverseTransform as _InverseTransform
from .base import identity_transform as identity_transform
from .joined import CatTransform as CatTransform
from .joined import StackTransform as StackTransform
from .scalar import AbsTransform as AbsTransform
from .scalar import AffineTransform as AffineTransform
from .scalar import CumulativeDistributionTransform as CumulativeDistributionTransform
from .scalar import ExpTransform as ExpTransform
from .scalar import PowerTransform as PowerTransform
from .scalar import SigmoidTransform as SigmoidTransform
from .scalar import SoftplusTransform as SoftplusTransform
from .scalar import TanhTransform as TanhTransform
from .vector import CorrCholeskyTransform as CorrCholeskyTransform
from .vector import LowerCholeskyTransform as LowerCholeskyTransform
from .vector import PositiveDefiniteTransform as PositiveDefiniteTransform
from .vector import ReshapeTransform as ReshapeTransform
from .vector import SoftmaxTransform as SoftmaxTransform
from .vector import StickBreakingTransform as StickBreakingTransform

__all__ = [
    "AbsTransform",
    "AffineTransform",
    "CatTransform",
    "ComposeTransform",
    "CorrCholeskyTransform",
    "CumulativeDistributionTransform",
    "ExpTransform",
    "IndependentTransform",
    "LowerCholeskyTransform",
    "PositiveDefiniteTransform",
    "PowerTransform",
    "ReshapeTransform",
    "SigmoidTransform",
    "SoftmaxTransform",
    "SoftplusTransform",
    "StackTransform",
    "StickBreakingTransform",
    "TanhTransform",
    "Transform",
    "identity_transform",
]


def __dir__() -> list[str]:
    return _listing(globals())
