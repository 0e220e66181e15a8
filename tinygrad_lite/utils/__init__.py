"""PyTorch's `torch.utils`: data sets and loaders under the name that code imports them by."""

from . import data as data
