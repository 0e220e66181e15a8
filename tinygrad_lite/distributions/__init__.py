"""Probability distributions with samples, densities and gradients: `torch.distributions`.

Not here, though PyTorch has them: binomial, relaxed, low-rank and rarer ones, and gradients of
samples of `Gamma`, `Beta`, `Dirichlet` and `StudentT` for their parameters.
"""

from ..backend.listing import listing as _listing
from . import constraints as constraints
from . import kl as kl
from . import kl_pairs as _kl_pairs  # noqa: F401 - it registers them
from . import transforms as transforms
from . import utils as utils
from .bernoulli import Bernoulli as Bernoulli
from .beta import Beta as Beta
from .categorical import Categorical as Categorical
from .cauchy import Cauchy as Cauchy
from .dirichlet import Dirichlet as Dirichlet
from .distribution import Distribution as Distribution
from .exponential import Exponential as Exponential
from .gamma import Chi2 as Chi2
from .gamma import Gamma as Gamma
from .geometric import Geometric as Geometric
from .gumbel import Gumbel as Gumbel
from .half_normal import HalfNormal as HalfNormal
from .independent import Independent as Independent
from .kl import kl_divergence as kl_divergence
from .kl import register_kl as register_kl
from .laplace import Laplace as Laplace
from .mixture_same_family import MixtureSameFamily as MixtureSameFamily
from .multinomial import Multinomial as Multinomial
from .multivariate_normal import MultivariateNormal as MultivariateNormal
from .normal import Normal as Normal
from .one_hot_categorical import OneHotCategorical as OneHotCategorical
from .one_hot_categorical import (
    OneHotCategoricalStraightThrough as OneHotCategoricalStraightThrough,
)
from .poisson import Poisson as Poisson
from .student_t import StudentT as StudentT
from .transformed_distribution import LogNormal as LogNormal
from .transformed_distribution import TransformedDistribution as TransformedDistribution
from .transforms import AffineTransform as AffineTransform
from .transforms import ComposeTransform as ComposeTransform
from .transforms import ExpTransform as ExpTransform
from .transforms import PowerTransform as PowerTransform
from .transforms import SigmoidTransform as SigmoidTransform
from .transforms import TanhTransform as TanhTransform
from .transforms import Transform as Transform
from .uniform import Uniform as Uniform


def __dir__() -> list[str]:
    return _listing(globals(), "constraints", "kl", "transforms", "utils")
