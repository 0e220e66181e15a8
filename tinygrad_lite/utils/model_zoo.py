"""`torch.utils.model_zoo`: the old name of what `torch.hub` does."""

from ..absent import explain as _explain
from ..hub import load_state_dict_from_url as load_url
from ..hub import tqdm as tqdm

__all__ = ["load_url", "tqdm"]

_explain(__name__)
