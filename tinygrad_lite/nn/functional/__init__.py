"""Layers without state, as functions: `torch.nn.functional`."""

from ...absent import explain as _explain
from ...backend.listing import listing as _listing
from ...tensor.arguments import explain as _understand
from ...tensor.arguments import rename_errors as _rename_errors
from ...tensor.padding import *
from ...tensor.shown import shown as _shown
from .activation import *
from .adaptive_pool import *
from .aliases import *
from .attention import *
from .conv import *
from .distance import *
from .dropout import *
from .embedding import *
from .fold import *
from .fractional_pool import *
from .group_norm import *
from .grouped import *
from .linear import *
from .loss import *
from .multi_head import *
from .norm import *
from .pool import *
from .rectifier import *
from .resize import *
from .sample import *
from .unpool import *
from .volume import *

# Functions made of others, whose errors are of the one that was called.
_rename_errors(
    globals(),
    "adaptive_avg_pool1d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool3d "
    "adaptive_max_pool1d_with_indices adaptive_max_pool2d_with_indices "
    "adaptive_max_pool3d_with_indices avg_pool1d avg_pool3d conv1d conv3d conv_transpose1d "
    "conv_transpose3d cosine_embedding_loss cosine_similarity dropout1d dropout2d dropout3d "
    "gaussian_nll_loss gumbel_softmax hinge_embedding_loss huber_loss instance_norm kl_div l1_loss "
    "lp_pool1d lp_pool2d lp_pool3d margin_ranking_loss max_pool1d max_pool3d "
    "max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices max_unpool1d mse_loss "
    "multi_margin_loss multilabel_margin_loss multilabel_soft_margin_loss normalize "
    "pairwise_distance pdist poisson_nll_loss relu6 smooth_l1_loss soft_margin_loss softmin "
    "threshold_ triplet_margin_loss triplet_margin_with_distance_loss upsample upsample_bilinear "
    "upsample_nearest",
)


def __dir__() -> list[str]:
    return _listing(globals())


_understand(
    globals(),
    "nn.functional",
    "avg_pool2d avg_pool3d gelu logsigmoid softplus softshrink".split(),
)
for _name in (
    "affine_grid bilinear celu celu_ grid_sample hardshrink instance_norm max_pool3d "
    "max_pool3d_with_indices mish pdist prelu rrelu selu selu_ threshold threshold_"
).split():  # compositions that are one operation in PyTorch
    globals()[_name] = _shown(_name.removesuffix("_"), globals()[_name])
_explain(__name__)
