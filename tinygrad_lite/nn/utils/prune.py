"""Pruning: parameters times masks of 0 and 1, as `torch.nn.utils.prune`.

A pruned parameter `weight` is kept as `weight_orig`, its mask as the buffer `weight_mask`, and
`weight` is their product, made anew before each call. Pruning it again takes away more of what is
left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...tensor import Tensor
from ...tensor.create import ones_like
from ...tensor.draw import rand
from ..module import Module
from .convert_parameters import parameters_to_vector

__all__ = [
    "BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured",
    "PruningContainer", "RandomStructured", "RandomUnstructured", "custom_from_mask",
    "global_unstructured", "identity", "is_pruned", "l1_unstructured", "ln_structured",
    "random_structured", "random_unstructured", "remove",
]  # fmt: skip

Amount = int | float


class BasePruningMethod:
    """Base class: a way to make masks, and the hook that applies them.

    A subclass defines `compute_mask` and PRUNING_TYPE: "unstructured" methods are shown the
    elements that are left, "structured" ones the channels of their `dim` that are left, "global"
    ones all.
    """

    PRUNING_TYPE: str
    dim: int
    _tensor_name: str

    def __call__(self, module: Any, inputs: Any) -> None:
        """Make the pruned parameter anew; what runs before each call of the module."""
        setattr(module, self._tensor_name, self.apply_mask(module))

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask of scores t, where `default_mask` is what was kept so far."""
        raise NotImplementedError

    def apply_mask(self, module: Any) -> Tensor:
        """The parameter times its mask."""
        original = getattr(module, f"{self._tensor_name}_orig")
        mask: Tensor = getattr(module, f"{self._tensor_name}_mask")
        pruned: Tensor = mask.to(original.dtype) * original
        return pruned

    @classmethod
    def apply(
        cls,
        module: Module,
        name: str,
        *args: Any,
        importance_scores: Tensor | None = None,
        **kwargs: Any,
    ) -> BasePruningMethod:
        """Prune a parameter of a module.

        Args:
            module: has it.
            name: of the parameter.
            args, kwargs: those of the method.
            importance_scores: what is judged by, of its shape; the parameter itself unless given.

        Raises:
            AssertionError: scores of another shape.
        """
        method: BasePruningMethod = cls(*args, **kwargs)
        method._tensor_name = name
        before = _hooks(module, name)
        for number, hook in before.items():
            container = hook if isinstance(hook, PruningContainer) else PruningContainer(hook)
            container.add_pruning_method(method)
            method = container
            del module._forward_pre_hooks[number]
        current = getattr(module, name)
        if importance_scores is not None and importance_scores.shape != current.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name} of {module}, "
                f"got {importance_scores.shape} vs {current.shape}"
            )
        scores = (current if importance_scores is None else importance_scores).detach()
        kept = getattr(module, f"{name}_mask").clone() if before else ones_like(current.detach())
        mask = method.compute_mask(scores, kept)
        if not before:
            del module._parameters[name]
            module.register_parameter(f"{name}_orig", current)
        module.register_buffer(f"{name}_mask", mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(
        self,
        t: Tensor,
        default_mask: Tensor | None = None,
        importance_scores: Tensor | None = None,
    ) -> Tensor:
        """A tensor times the mask that this method gives it.

        Raises:
            AssertionError: scores of another shape.
        """
        if importance_scores is not None and importance_scores.shape != t.shape:
            raise AssertionError(
                "importance_scores should have the same shape as tensor t, got "
                f"{importance_scores.shape} vs {t.shape}"
            )
        scores = t if importance_scores is None else importance_scores
        kept = ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(scores.detach(), kept)

    def remove(self, module: Module) -> None:
        """Make the pruning lasting: the parameter is the product again, without a mask."""
        name = self._tensor_name
        pruned = self.apply_mask(module).detach()
        parameter = module._parameters[f"{name}_orig"]
        delattr(module, name)
        delattr(module, f"{name}_orig")
        delattr(module, f"{name}_mask")
        parameter.data = pruned
        module.register_parameter(name, parameter)


class PruningContainer(BasePruningMethod):
    """Several methods for one parameter; the last one prunes what the others left."""

    def __init__(self, *args: BasePruningMethod) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        if args:
            self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod) -> None:
        """Add a method.

        Raises:
            TypeError: it is none.
            ValueError: it is for another parameter.
        """
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method._tensor_name != self._tensor_name:
            raise ValueError(
                "Can only add pruning methods acting on the parameter named "
                f"'{self._tensor_name}' to PruningContainer {self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, index: int) -> BasePruningMethod:
        return self._pruning_methods[index]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """What the last method keeps of what was kept so far."""
        method = self._pruning_methods[-1]
        kind = method.PRUNING_TYPE
        if kind == "global":
            return method.compute_mask(t, default_mask)
        mask = default_mask.clone()
        if kind == "unstructured":
            left = (mask == 1).reshape(-1).nonzero().squeeze(1)
            part = method.compute_mask(t.reshape(-1)[left], mask.reshape(-1)[left])
            flat = mask.reshape(-1).index_copy(0, left, part)
            return flat.reshape(mask.shape)
        if kind != "structured":
            raise ValueError(f"Unrecognized PRUNING_TYPE {kind}")
        dim = _dim(t, method.dim)
        others = tuple(d for d in range(t.ndim) if d != dim)
        left = (mask.sum(others) != 0).nonzero().squeeze(1)
        part = method.compute_mask(t.index_select(dim, left), mask.index_select(dim, left))
        return mask.index_copy(dim, left, part)


class Identity(BasePruningMethod):
    """Nothing is pruned, but the parameter is kept as pruned ones are."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask as it is."""
        return default_mask


class _Unstructured(BasePruningMethod):
    """Single elements: how many (an int) or which part of them (a float)."""

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount: Amount) -> None:
        self.amount = _checked(amount)

    def _scores(self, t: Tensor) -> Tensor:
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """0 for the elements with the lowest scores."""
        count = _count(self.amount, t.numel())
        if not count:
            return default_mask.clone()
        lowest = self._scores(t).reshape(-1).topk(count, largest=False).indices
        return default_mask.reshape(-1).index_fill(0, lowest, 0).reshape(default_mask.shape)


class RandomUnstructured(_Unstructured):
    """Elements at random."""

    def _scores(self, t: Tensor) -> Tensor:
        return rand(t.shape, device=t.device)


class L1Unstructured(_Unstructured):
    """The elements of the smallest magnitude."""

    def _scores(self, t: Tensor) -> Tensor:
        return t.abs()


class _Structured(BasePruningMethod):
    """Whole channels along a dimension: how many (an int) or which part of them (a float)."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: Amount, dim: int = -1) -> None:
        self.amount, self.dim = _checked(amount), dim

    def _scores(self, t: Tensor, dim: int) -> Tensor:
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """0 for the channels with the lowest scores."""
        if t.ndim <= 1:
            raise ValueError(
                "Structured pruning can only be applied to multidimensional tensors. Found tensor "
                f"of shape {t.shape} with {t.ndim} dims"
            )
        dim = _dim(t, self.dim)
        count = _count(self.amount, t.shape[dim])
        if not count:
            return default_mask
        lowest = self._scores(t, dim).topk(count, largest=False).indices
        return default_mask.index_fill(dim, lowest, 0)


class RandomStructured(_Structured):
    """Channels at random."""

    def _scores(self, t: Tensor, dim: int) -> Tensor:
        return rand(t.shape[dim], device=t.device)


class LnStructured(_Structured):
    """The channels of the smallest n-norm."""

    def __init__(self, amount: Amount, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def _scores(self, t: Tensor, dim: int) -> Tensor:
        return t.movedim(dim, 0).reshape(t.shape[dim], -1).norm(self.n, dim=1)


class CustomFromMask(BasePruningMethod):
    """What a given mask says."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Both masks' product."""
        if default_mask.shape != self.mask.shape:
            raise AssertionError(
                f"default_mask shape {default_mask.shape} must match self.mask shape "
                f"{self.mask.shape}"
            )
        return default_mask * self.mask.to(dtype=default_mask.dtype)


def identity(module: Module, name: str) -> Module:
    """Keep a parameter as pruned ones are, without pruning it."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Module, name: str, amount: Amount) -> Module:
    """Prune elements at random: so many, or this part of those that are left."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(
    module: Module, name: str, amount: Amount, importance_scores: Tensor | None = None
) -> Module:
    """Prune the elements of the smallest magnitude, of the parameter or of given scores."""
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: Module, name: str, amount: Amount, dim: int) -> Module:
    """Prune channels along a dimension at random."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: Module,
    name: str,
    amount: Amount,
    n: Any,
    dim: int,
    importance_scores: Tensor | None = None,
) -> Module:
    """Prune the channels along a dimension whose n-norm is smallest."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Module, name: str, mask: Tensor) -> Module:
    """Prune where a mask is 0."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: Mapping[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune several parameters as if they were one.

    Args:
        parameters: modules and names.
        pruning_method: an unstructured one.
        importance_scores: what is judged by, for some of them.
        kwargs: those of the method.

    Raises:
        TypeError: a method that is not unstructured.
    """
    several, scores = list(parameters), importance_scores or {}
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method '
            f"{pruning_method} of type {method.PRUNING_TYPE}"
        )
    tensors = [getattr(module, name).detach() for module, name in several]
    judged = [scores.get(key, t).detach() for key, t in zip(several, tensors, strict=True)]
    kept = [
        getattr(module, f"{name}_mask", ones_like(t))
        for (module, name), t in zip(several, tensors, strict=True)
    ]
    method._tensor_name = "temp"
    whole = PruningContainer(method).compute_mask(
        parameters_to_vector(judged), parameters_to_vector(kept)
    )
    start = 0
    for (module, name), t in zip(several, tensors, strict=True):
        custom_from_mask(module, name, whole[start : start + t.numel()].reshape(t.shape))
        start += t.numel()


def remove(module: Module, name: str) -> Module:
    """Make a pruning lasting, and take its hook away.

    Raises:
        ValueError: the parameter is not pruned.
    """
    for number, hook in _hooks(module, name).items():
        hook.remove(module)
        del module._forward_pre_hooks[number]
        return module
    raise ValueError(
        f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed"
    )


def is_pruned(module: Module) -> bool:
    """Whether a module, or one in it, is pruned."""
    return any(_hooks(inner) for inner in module.modules())


def _hooks(module: Any, name: str | None = None) -> dict[int, BasePruningMethod]:
    """The hooks of a module that prune a parameter, or any, by their numbers."""
    found = ((number, hook) for number, (hook, *_) in module._forward_pre_hooks.items())
    return {
        number: hook
        for number, hook in found
        if isinstance(hook, BasePruningMethod) and name in (None, hook._tensor_name)
    }


def _checked(amount: Any) -> Amount:
    if isinstance(amount, bool) or not isinstance(amount, int | float):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    if amount < 0 or (isinstance(amount, float) and amount > 1):
        raise ValueError(
            f"amount={amount} should either be a float in the range [0, 1] or a non-negative "
            "integer"
        )
    return amount


def _count(amount: Amount, size: int) -> int:
    """How many of `size` an amount is.

    Raises:
        ValueError: more than there are.
    """
    if isinstance(amount, int) and amount > size:
        raise ValueError(
            f"amount={amount} should be smaller than the number of parameters to prune={size}"
        )
    return amount if isinstance(amount, int) else round(amount * size)


def _dim(t: Tensor, dim: int) -> int:
    if not -t.ndim <= dim < t.ndim:
        raise IndexError(f"Invalid index {dim} for tensor of size {t.shape}")
    return dim % t.ndim
