"""The pickles in PyTorch's checkpoints: tensors, plain values, and nothing that is called.

PyTorch pickles a tensor as a call of `_rebuild_tensor_v2` on a storage, which stands outside of
the pickle under a persistent id. Here these few calls are made by the reader's own functions, on
arguments that were checked; every other name is refused. NumPy's arrays and numbers, as in the
state of its generators or a best score, are made by `arrays.py` in the same way.

What comes out is as large as the file, however often its parts name each other: a value is not
nested more than `DEEPEST` deep, does not contain itself, and has `MOST_VALUES` parts at most.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from tinygrad_lite.backend import Device
from tinygrad_lite.tensor.element import BY_NAME
from tinygrad_lite.tensor.size import Size

from . import Malformed, about
from .arrays import ADMITTED, SCALARS, as_array, as_number
from .machine import ENCODE, Call, Machine, Name
from .pickles import run

__all__ = ["DTYPES", "TorchMachine", "read_pickle"]

DTYPES = {
    "BFloat16Storage": "bfloat16",
    "BoolStorage": "bool",
    "ByteStorage": "uint8",
    "CharStorage": "int8",
    "ComplexDoubleStorage": "complex128",
    "ComplexFloatStorage": "complex64",
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "IntStorage": "int32",
    "LongStorage": "int64",
    "ShortStorage": "int16",
}
"""What the elements of PyTorch's storages are."""

_TENSOR = ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor")
_PARAMETER = ("torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state")
_SUBCLASS = "torch._tensor._rebuild_from_type_v2"
_ORDERED = "collections.OrderedDict"
_SETS = ("__builtin__.set", "builtins.set")
_BYTES = "__builtin__.bytes"  # called for those of no length
_CLASSES = ("torch.Tensor", "torch._tensor.Tensor", "torch.nn.parameter.Parameter")
_RECORDED = ADMITTED | SCALARS | {ENCODE}
_ADMITTED = _RECORDED | frozenset(
    {
        *_TENSOR,
        *_PARAMETER,
        _SUBCLASS,
        _ORDERED,
        _BYTES,
        *_SETS,
        *_CLASSES,
        "torch.Size",
        "torch.device",
    }
    | {f"torch.{storage}" for storage in DTYPES}
    | {f"torch.{dtype}" for dtype in DTYPES.values()}
)
DEEPEST = 64
MOST_VALUES = 1_000_000
_LARGEST_KEY = 2**53  # so that nobody can choose keys whose hashes agree


class TorchMachine(Machine):
    """The stack machine that knows PyTorch's few calls.

    Args:
        content: the pickle.
        storage: called as storage(kind, key, location, elements), returns a storage.
        tensor: called as tensor(storage, offset, sizes, strides), returns a tensor.
        parameter: called as parameter(tensor, requires_grad, plain), returns a `Parameter`, or a
            tensor if `plain`.
    """

    def __init__(
        self,
        content: bytes,
        storage: Callable[[str, str, str, int], Any],
        tensor: Callable[[Any, int, tuple[int, ...], tuple[int, ...]], Any],
        parameter: Callable[[Any, bool, bool], Any],
    ) -> None:
        super().__init__(content, _ADMITTED)
        self._storage, self._tensor, self._parameter = storage, tensor, parameter
        self._storages: set[int] = set()
        self._tensors: dict[int, Any] = {}

    def name(self, module: Any, name: Any) -> None:
        """Put a `Name` on the stack, if it is one of the few that PyTorch's checkpoints need."""
        dotted = f"{module}.{name}"
        if dotted not in _ADMITTED and type(module) is str and type(name) is str:
            raise Malformed(
                f"refused {dotted[:120]}: only tensors, parameters, arrays and plain values are "
                "admitted; have PyTorch save the state_dict()"
            )
        super().name(module, name)

    def persistent(self) -> None:
        """Put a storage on the stack, in place of its persistent id."""
        id_ = self.pop()
        # The format from before 1.6 has one more: of which storage it is a view, always none.
        known = type(id_) is tuple and (len(id_) == 5 or (len(id_) == 6 and id_[5] is None))
        if not known or id_[0] != "storage":
            raise Malformed(f"a persistent id is {about(id_)}")
        _, kind, key, location, count = id_[:5]
        name = kind.name if type(kind) is Name and kind.module == "torch" else ""
        if name not in DTYPES or type(key) is not str or type(location) is not str:
            raise Malformed(f"a storage of {about(kind)}")
        found = self._storage(name, key, location, _count(count))
        self._storages.add(id(found))
        self.push(found)

    def call(self) -> None:
        """Replace a `Name` and its arguments on the stack by what our own function for it gives."""
        arguments, function = self.pop(), self.pop()
        if type(function) is not Name or type(arguments) is not tuple:
            raise Malformed(f"refused a call of {about(function)}")
        if str(function) in _RECORDED:
            self.stack += [function, arguments]
            super().call()
        else:
            self.push(self._made(str(function), arguments))

    def _made(self, name: str, arguments: tuple[Any, ...]) -> Any:
        if name in _TENSOR and len(arguments) >= 4:
            storage, offset, size, stride = arguments[:4]
            notes = arguments[6] if len(arguments) > 6 else None
            grad = arguments[4:5] == (True,)
            return self._rebuilt(storage, offset, size, stride, grad, notes)
        if name in _PARAMETER and len(arguments) >= 2:
            data, grad = arguments[:2]
            return self._kept(self._parameter(self._known(data), grad is True, False))
        if name == _SUBCLASS and len(arguments) == 4:
            function, _, inner, _ = arguments  # attributes that a program gave it are left out
            if type(function) is Name and type(inner) is tuple and str(function) in _TENSOR:
                return self._made(str(function), inner)
        if name == _ORDERED and len(arguments) <= 1:
            made: dict[Any, Any] = OrderedDict()
            pairs = arguments[0] if arguments else []
            if type(pairs) is list and all(type(p) in (list, tuple) and len(p) == 2 for p in pairs):
                for key, value in pairs:
                    made[_key(key)] = value
                return made
        if name in _SETS and len(arguments) == 1 and type(arguments[0]) is list:
            return {_key(value) for value in arguments[0]}
        if name == _BYTES and not arguments:
            return b""
        if name == "torch.Size" and len(arguments) == 1:
            return Size(_sizes(arguments[0]))
        if name == "torch.device" and arguments[:1] in (("cpu",), ("cuda",)):
            index = _count(arguments[1]) if len(arguments) == 2 else None
            return Device(arguments[0], index)
        raise Malformed(f"refused a call of {name[:120]} with {len(arguments)} arguments")

    def _rebuilt(
        self, storage: Any, offset: Any, size: Any, stride: Any, grad: bool, notes: Any = None
    ) -> Any:
        if id(storage) not in self._storages:
            raise Malformed(f"a tensor of {about(storage)}, which is no storage")
        sizes, strides = _sizes(size), _sizes(stride)
        if len(sizes) != len(strides):
            raise Malformed(f"a tensor of {len(sizes)} sizes and {len(strides)} strides")
        made = self._tensor(storage, _count(offset), sizes, strides)
        if type(notes) is dict:  # of views that PyTorch conjugates, or negates, when they are read
            made = made.conj() if notes.get("conj") is True else made
            made = -made if notes.get("neg") is True else made
        return self._kept(self._parameter(made, grad, True))

    def _kept(self, tensor: Any) -> Any:
        self._tensors[id(tensor)] = tensor
        return tensor

    def _known(self, tensor: Any) -> Any:
        if id(tensor) not in self._tensors:
            raise Malformed(f"a parameter of {about(tensor)}, which is no tensor")
        return tensor

    def build(self) -> None:
        """Leave out what state dicts have as attributes beside their entries: modules' versions."""
        if self.stack[1:] and type(self.stack[-2]) is Call:
            super().build()
        else:
            self.pop()
            self.top(dict)

    def set_items(self, items: list[Any]) -> None:
        """Store keys and values, in turn, in the dict on top of the stack."""
        if len(items) % 2:
            raise Malformed("a dict has a key without a value")
        target = self.top(dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[_key(key)] = value


def read_pickle(machine: TorchMachine) -> Any:
    """Run the machine, and return the value that its pickle describes.

    Raises:
        Malformed: damaged, or it asks for something else.
    """
    value = run(machine)
    _measure(value, {}, 0)
    return _Plain(len(machine.content)).of(value)


class _Plain:
    """Puts what is meant in place of names and of calls that were recorded.

    Args:
        most: bytes of arrays; a file that has more of them names its bytes more than once.
    """

    def __init__(self, most: int) -> None:
        self._left = most
        self._made: dict[int, Any] = {}

    def of(self, value: Any) -> Any:
        """A value with dtypes, arrays and numbers; names of classes are refused."""
        if type(value) is Name:
            if value.name not in DTYPES.values():
                raise Malformed(f"a {value} where a value is due")
            return BY_NAME[value.name]
        if type(value) is Call:
            return self._array(value)
        if isinstance(value, dict):
            for key, item in value.items():
                value[key] = self.of(item)
        elif type(value) is list:
            value[:] = map(self.of, value)
        elif type(value) is tuple:
            return tuple(map(self.of, value))
        return value

    def _array(self, call: Call) -> Any:
        """An array of its own memory, the same one for the same call, or a number."""
        if id(call) not in self._made:
            made: Any = as_number(call)
            if made is None and (array := as_array(call)) is not None:
                self._left -= array.nbytes
                if self._left < 0:
                    raise Malformed("arrays name the same bytes many times over")
                made = array.copy(order="K")
            if made is None:
                raise Malformed(f"a {call.name} where a value is due")
            self._made[id(call)] = made
        return self._made[id(call)]


def _measure(value: Any, known: dict[int, int], depth: int) -> int:
    """How many parts a value has, counted as often as it is named."""
    if type(value) not in (dict, OrderedDict, list, tuple):
        return 1
    if depth > DEEPEST or known.get(id(value)) == 0:
        raise Malformed(f"values are nested more than {DEEPEST} deep")
    if id(value) not in known:
        known[id(value)] = 0  # it is being measured: it must not come again inside of itself
        parts = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_measure(part, known, depth + 1) for part in parts)
        if known[id(value)] > MOST_VALUES:
            raise Malformed(f"more than {MOST_VALUES:,} values")
    return known[id(value)]


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**48:
        raise Malformed(f"a number of elements is {about(value)}")
    return value


def _sizes(value: Any) -> tuple[int, ...]:
    if type(value) is not tuple or len(value) > 32:
        raise Malformed(f"sizes are {about(value)}")
    return tuple(map(_count, value))


def _key(key: Any) -> Any:
    """A key or a member of a set: a plain value, or a tuple of such."""
    if type(key) is int and abs(key) > _LARGEST_KEY:
        raise Malformed(f"a dict has the key {about(key)}")
    if type(key) is tuple and len(key) <= 8:
        return tuple(_key(part) for part in key)
    if key is not None and type(key) not in (str, int, bool):
        raise Malformed(f"a dict has the key {about(key)}")
    return key
