"""`torch.nn.modules`: PyTorch's files of layers, each of which has all of `nn`'s names here.

Programs import layers and base classes by these paths, such as `nn.modules.batchnorm._BatchNorm`.
The files of this library are cut by other subjects, so each path leads to all of them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from ..absent import lookup
from .conv import _Conv, _ConvTranspose
from .dropout import _DropoutNd
from .group_norm import _InstanceNorm
from .lazy import LazyModuleMixin
from .loss import _Loss, _WeightedLoss
from .module import Module, everywhere
from .module.state import EXTRA, IncompatibleKeys
from .norm import _BatchNorm, _NormBase
from .parallel import DataParallel
from .pool import _AdaptiveAvg, _AdaptiveMax, _AvgPool, _LPPool, _MaxPool
from .transformer import _clones, _function
from .unpool import _MaxUnpool

_FILES = (
    "activation adaptive batchnorm channelshuffle container conv distance dropout flatten fold "
    "instancenorm lazy linear loss module normalization padding pixelshuffle pooling rnn sparse "
    "transformer upsampling utils"
).split()


def _ntuple(n: int, name: str = "parse") -> Any:
    """A function that makes an n-tuple of a number by repeating it, and a tuple of a sequence."""

    def parse(x: Any) -> tuple[Any, ...]:
        return tuple(x) if isinstance(x, Iterable) else (x,) * n

    parse.__name__ = name
    return parse


def _reverse_repeat_tuple(t: Iterable[Any], n: int) -> tuple[Any, ...]:
    """A tuple backwards, with each element n times: a padding as `functional.pad` takes it."""
    return tuple(x for x in reversed(tuple(t)) for _ in range(n))


def _addindent(s_: str, numSpaces: int) -> str:
    """A text with the lines after the first moved in."""
    return s_.replace("\n", "\n" + numSpaces * " ")


def consume_prefix_in_state_dict_if_present(state_dict: dict[str, Any], prefix: str) -> None:
    """Take a prefix off a state's keys, in place, as "module." off those of a `DataParallel`.

    Args:
        state_dict: a state of a module, changed: keys with the prefix lose it and come last.
        prefix: with the dot at its end.
    """
    for key in [key for key in state_dict if key.startswith(prefix)]:
        state_dict[key.removeprefix(prefix)] = state_dict.pop(key)
    versions: dict[str, Any] = getattr(state_dict, "_metadata", {})
    for name in [name for name in versions if name and f"{name}.".startswith(prefix)]:
        versions[name[len(prefix) :]] = versions.pop(name)


# Names that programs import from PyTorch's files and that `nn` itself does not show.
_ALSO: dict[str, Any] = {
    "_BatchNorm": _BatchNorm,
    "_NormBase": _NormBase,
    "_InstanceNorm": _InstanceNorm,
    "_get_activation_fn": _function,
    "_get_clones": _clones,
    "_AdaptiveAvgPoolNd": _AdaptiveAvg,
    "_AdaptiveMaxPoolNd": _AdaptiveMax,
    "_AvgPoolNd": _AvgPool,
    "_ConvNd": _Conv,
    "_ConvTransposeNd": _ConvTranspose,
    "_DropoutNd": _DropoutNd,
    "_EXTRA_STATE_KEY_SUFFIX": EXTRA,
    "_IncompatibleKeys": IncompatibleKeys,
    "_LPPoolNd": _LPPool,
    "_Loss": _Loss,
    "_MaxPoolNd": _MaxPool,
    "_MaxUnpoolNd": _MaxUnpool,
    "_WeightedLoss": _WeightedLoss,
    "DataParallel": DataParallel,
    "LazyModuleMixin": LazyModuleMixin,
    "Module": Module,
    **{name: getattr(everywhere, name) for name in everywhere.__all__},
    "consume_prefix_in_state_dict_if_present": consume_prefix_in_state_dict_if_present,
    "_addindent": _addindent,
    "_ntuple": _ntuple,
    "_reverse_repeat_tuple": _reverse_repeat_tuple,
    "_single": _ntuple(1, "_single"),
    "_pair": _ntuple(2, "_pair"),
    "_triple": _ntuple(3, "_triple"),
    "_quadruple": _ntuple(4, "_quadruple"),
}


class _File(ModuleType):
    """A module under the name of one of PyTorch's files."""

    def __getattr__(self, name: str) -> Any:
        return _find(self.__name__, name)

    def __dir__(self) -> list[str]:
        return [*dir(_nn()), *_ALSO]


def _nn() -> ModuleType:
    """`nn` itself, which cannot be imported here: it imports this file."""
    return sys.modules[__name__.rpartition(".")[0]]


def _find(place: str, name: str) -> Any:
    """What the file `place` has under a name.

    Raises:
        MissingName: nothing.
    """
    if name in _ALSO:
        return _ALSO[name]
    if name[:1] != "_" and hasattr(_nn(), name):
        return getattr(_nn(), name)
    if name.startswith("__"):
        raise AttributeError(f"module {place!r} has no attribute {name!r}")
    return lookup(place, name, lambda: dir(_nn()))


def __getattr__(name: str) -> Any:
    return _find(__name__, name)


def __dir__() -> list[str]:
    return [*_FILES, *dir(_nn())]


__path__: list[str] = []  # a package to Python; its modules are made here
for _name in _FILES:
    globals()[_name] = sys.modules[f"{__name__}.{_name}"] = _File(
        f"{__name__}.{_name}", f"`torch.nn.modules.{_name}`: the layers of `nn`."
    )
