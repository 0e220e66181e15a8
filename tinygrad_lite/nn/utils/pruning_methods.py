"""How pruning chooses: the methods of `torch.nn.utils.prune`, each a hook as well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...tensor import Tensor
from ...tensor.create import ones_like
from ...tensor.draw import rand
from ..module import Module

Amount = int | float


class BasePruningMethod:
    """Base class: a way to choose what is pruned, and the hook that applies the mask.

    A subclass defines `compute_mask`, and PRUNING_TYPE, which says what `compute_mask` gets to see
    when a parameter is pruned again: "unstructured", the elements that are left; "structured",
    the channels of `dim` that are left; "global", everything.
    """

    PRUNING_TYPE: str
    dim: int
    _tensor_name: str

    def __call__(self, module: Any, inputs: Any) -> None:
        """The hook before each call of the module: make the pruned parameter anew."""
        setattr(module, self._tensor_name, self.apply_mask(module))

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask, of 0 and 1, for scores t and the mask of what was kept so far.

        Raises:
            NotImplementedError: a subclass did not define it.
        """
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
            module: has the parameter.
            name: the parameter's.
            args, kwargs: those of the class.
            importance_scores: what the choice is made by, of the parameter's shape; default: its
                elements.

        Returns:
            The method, or the container of all methods that have pruned this parameter.

        Raises:
            AssertionError: scores of another shape.
        """
        method: BasePruningMethod = cls(*args, **kwargs)
        method._tensor_name = name
        before = hooks_of(module, name)
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
        """A tensor times the mask that this method makes for it; nothing is registered.

        Args:
            t: the tensor.
            default_mask: what was kept so far; default: everything.
            importance_scores: what the choice is made by; default: t.

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
        """Make the pruning lasting: the product becomes the parameter, without mask and hook."""
        name = self._tensor_name
        pruned = self.apply_mask(module).detach()
        parameter = module._parameters[f"{name}_orig"]
        delattr(module, name)
        delattr(module, f"{name}_orig")
        delattr(module, f"{name}_mask")
        parameter.data = pruned
        module.register_parameter(name, parameter)


class PruningContainer(BasePruningMethod):
    """The methods that have pruned one parameter; the last one prunes what the others left."""

    def __init__(self, *args: BasePruningMethod) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        if args:
            self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod) -> None:
        """Add a method, which is the last from now on.

        Raises:
            TypeError: not a pruning method.
            ValueError: a method for another parameter.
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
        """What the last method keeps of what was kept so far.

        Raises:
            ValueError: its PRUNING_TYPE is unknown.
        """
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
    """Prunes nothing; the parameter gets a mask of ones."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask as it is."""
        return default_mask


class _Unstructured(BasePruningMethod):
    """Prunes single elements, those with the lowest scores.

    Args:
        amount: how many, an int, or which share of them, a float.
    """

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
    """Prunes elements at random; arguments as `L1Unstructured`."""

    def _scores(self, t: Tensor) -> Tensor:
        return rand(t.shape, device=t.device)


class L1Unstructured(_Unstructured):
    """Prunes the elements of the smallest magnitude.

    Args:
        amount: how many, an int, or which share of them, a float.
    """

    def _scores(self, t: Tensor) -> Tensor:
        return t.abs()


class _Structured(BasePruningMethod):
    """Prunes whole channels, the positions along a dimension, those with the lowest scores.

    Args:
        amount: how many, an int, or which share of them, a float.
        dim: the dimension.
    """

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
    """Prunes channels at random; arguments as `LnStructured` without n."""

    def _scores(self, t: Tensor, dim: int) -> Tensor:
        return rand(t.shape[dim], device=t.device)


class LnStructured(_Structured):
    """Prunes the channels of the smallest n-norm.

    Args:
        amount: how many, an int, or which share of them, a float.
        n: the order of the norm.
        dim: the dimension along which channels are counted.
    """

    def __init__(self, amount: Amount, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def _scores(self, t: Tensor, dim: int) -> Tensor:
        return t.movedim(dim, 0).reshape(t.shape[dim], -1).norm(self.n, dim=1)


class CustomFromMask(BasePruningMethod):
    """Prunes where a given mask is 0.

    Args:
        mask: of 0 and 1, of the parameter's shape.
    """

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


def hooks_of(module: Any, name: str | None = None) -> dict[int, BasePruningMethod]:
    """The hooks of a module that prune a parameter, or any, by their numbers."""
    return {
        number: hook
        for number, hook in module._forward_pre_hooks.items()
        if isinstance(hook, BasePruningMethod) and name in (None, hook._tensor_name)
    }


def _checked(amount: Any) -> Amount:
    """The amount itself.

    Raises:
        TypeError: neither an int nor a float.
        ValueError: negative, or a float above 1.
    """
    if isinstance(amount, bool) or not isinstance(amount, int | float):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    if amount < 0 or (isinstance(amount, float) and amount > 1):
        raise ValueError(
            f"amount={amount} should either be a float in the range [0, 1] or a non-negative "
            "integer"
        )
    return amount


def _count(amount: Amount, size: int) -> int:
    """How many of `size` elements or channels an amount is.

    Raises:
        ValueError: more than there are.
    """
    if isinstance(amount, int) and amount > size:
        raise ValueError(
            f"amount={amount} should be smaller than the number of parameters to prune={size}"
        )
    return amount if isinstance(amount, int) else round(amount * size)


def _dim(t: Tensor, dim: int) -> int:
    """A dimension, counted from the front.

    Raises:
        IndexError: there is no such one.
    """
    if not -t.ndim <= dim < t.ndim:
        raise IndexError(f"Invalid index {dim} for tensor of size {t.shape}")
    return dim % t.ndim
