"""Data sets and loaders: CIFAR-10, and `torch.utils.data`'s everyday names."""

from __future__ import annotations

from ..backend.listing import listing as _listing
from ..files import FileError
from .archive import Archive
from .cifar10 import Cifar10, cache_folder, cifar10, cifar10_sample
from .device import DeviceImages
from .download import SourceError
from .formats import CLASSES as classes
from .formats import Edition
from .images import ImageDataset
from .loader import DataLoader, Dataset, Subset, TensorDataset, default_collate, random_split
from .npm import NpmPackage

__all__ = [
    "Archive",
    "Cifar10",
    "DataLoader",
    "DeviceImages",
    "Dataset",
    "Edition",
    "FileError",
    "ImageDataset",
    "NpmPackage",
    "SourceError",
    "Subset",
    "TensorDataset",
    "cache_folder",
    "cifar10",
    "cifar10_sample",
    "classes",
    "default_collate",
    "random_split",
]


def __dir__() -> list[str]:
    return _listing(globals())
