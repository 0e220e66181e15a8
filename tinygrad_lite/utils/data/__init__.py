"""`torch.utils.data`, from `tinygrad_lite.data`."""

import sys as _sys

from ...absent import explain as _explain
from ...backend.listing import listing as _listing
from ...data import dataset as dataset
from ...data import loader as dataloader
from ...data import sampler as sampler
from ...data.collate import default_collate, default_convert
from ...data.dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from ...data.loader import DataLoader
from ...data.sampler import (
    BatchSampler,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from ...data.worker import WorkerInfo, get_worker_info

__all__ = [
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "DistributedSampler",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "WorkerInfo",
    "default_collate",
    "default_convert",
    "get_worker_info",
    "random_split",
]

# The files that PyTorch has here, by their paths: `from torch.utils.data.sampler import …`.
distributed = sampler
for _name, _module in (
    ("dataset", dataset),
    ("dataloader", dataloader),
    ("sampler", sampler),
    ("distributed", distributed),
):
    _sys.modules[f"{__name__}.{_name}"] = _module


def __dir__() -> list[str]:
    return _listing({"__all__": __all__}, "dataset", "dataloader", "sampler", "distributed")


_explain(__name__)
