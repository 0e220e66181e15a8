"""Data sets and loaders: CIFAR-10, and `torch.utils.data`'s everyday names."""

from __future__ import annotations

from ..absent import explain_below as _explain
from ..backend.listing import listing as _listing
from ..files import FileError
from .archive import Archive
from .block_sampler import BlockSampler
from .blocks import NpyDataset
from .cifar10 import Cifar10, cache_folder, cifar10, cifar10_sample
from .collate import default_collate, default_convert
from .dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from .device import DeviceImages
from .download import SourceError
from .formats import CLASSES as classes
from .formats import Edition
from .images import ImageDataset
from .loader import DataLoader
from .npm import NpmPackage
from .sampler import (
    BatchSampler,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from .shards import ShardDataset, ShardWriter
from .worker import get_worker_info

__all__ = [
    "Archive",
    "BatchSampler",
    "BlockSampler",
    "ChainDataset",
    "Cifar10",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "DeviceImages",
    "DistributedSampler",
    "Edition",
    "FileError",
    "ImageDataset",
    "IterableDataset",
    "NpmPackage",
    "NpyDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "ShardDataset",
    "ShardWriter",
    "SourceError",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "cache_folder",
    "cifar10",
    "cifar10_sample",
    "classes",
    "default_collate",
    "default_convert",
    "get_worker_info",
    "random_split",
]


def __dir__() -> list[str]:
    return _listing(globals())


_explain(__name__)
