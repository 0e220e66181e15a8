"""Which results share memory with their tensor, for every method: as in PyTorch 2.13.

What is recorded here was read off PyTorch's storages for x, contiguous and (3, 3); and again for
edges at which copying is easy to forget.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.several import several

PLACES, MASK = tg.tensor([[0, 1, 2]]), tg.ones(3, 3, dtype=tg.bool)

# Arguments of what does not do with none.
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "broadcast_to": (2, 3, 3), "chunk": (2,), "clamp": (0,), "clip": (0,), "cumprod": (0,),
    "cumsum": (0,), "diagonal": (), "expand": (2, 3, 3), "fill": (0.0,), "flip": (0,),
    "gather": (1, PLACES), "index_select": (0, PLACES[0]), "log_softmax": (0,),
    "logsumexp": (0,), "masked_fill": (MASK, 0.0), "masked_select": (MASK,), "moveaxis": (0, 1),
    "movedim": (0, 1), "narrow": (0, 0, 2), "new": (2,), "resize_": (2, 2),
    "new_empty": (2,), "new_full": ((2,), 0.0),
    "new_ones": (2,), "new_tensor": ([1.0],), "new_zeros": (2,), "permute": (1, 0),
    "apply_": (abs,), "cummax": (0,), "cummin": (0,), "fill_diagonal_": (0.0,),
    "geometric_": (0.5,), "histogram": (3,), "hsplit": (1,), "kthvalue": (1,),
    "logcumsumexp": (0,), "matrix_power": (2,), "mvlgamma": (1,), "nanquantile": (0.5,),
    "polygamma": (1,), "quantile": (0.5,), "renorm": (2, 0, 1), "split_with_sizes": ([1, 2],),
    "sum_to_size": (1, 3), "vsplit": (1,),
    "repeat": (1, 1), "repeat_interleave": (1,), "reshape": (9,), "roll": (1,), "select": (0, 1),
    "softmax": (0,), "split": (2,), "swapaxes": (0, 1), "swapdims": (0, 1), "take": (PLACES,),
    "take_along_dim": (PLACES, 1), "tensor_split": (2,), "tile": (1, 1), "to": (tg.float32,),
    "topk": (1,), "transpose": (0, 1), "type": ("torch.FloatTensor",), "unflatten": (0, (3, 1)),
    "as_subclass": (tg.nn.Parameter,),
    "as_strided": ((3, 3), (1, 3)), "new_empty_strided": ((2,), (1,)), "prelu": (tg.ones(1),),
    "narrow_copy": (0, 0, 2), "unsafe_chunk": (2,), "unsafe_split": (2,),
    "unsafe_split_with_sizes": ([1, 2],),
    "unfold": (0, 2, 1), "unsqueeze": (0,), "view": (9,), "xlogy": (1.0,),
}  # fmt: skip

VIEWS = set(
    """T mT H mH adjoint hsplit split_with_sizes vsplit
    broadcast_to chunk data detach diagonal expand expand_as flatten moveaxis movedim
    narrow permute ravel reshape reshape_as select split squeeze swapaxes swapdims t tensor_split
    transpose unbind unflatten unfold unsqueeze view view_as as_strided unsafe_chunk unsafe_split
    as_subclass unsafe_split_with_sizes""".split()
)
ITSELF = set(
    """contiguous cpu float positive requires_grad_ to type type_as pin_memory conj conj_physical
    real resolve_conj conj_physical_ resolve_neg to_dense""".split()
)
# No tensors, or no function of one alone; and integers' functions, which can't see x.
OTHERS = set(
    """all any allclose array backward bincount bool device dim dtype element_size equal grad
    grad_fn is_contiguous is_cuda is_floating_point is_leaf is_pinned item ndim ndimension nelement
    numel numpy register_hook register_post_accumulate_grad_hook requires_grad retain_grad
    retains_grad shape size stride storage_offset tolist cuda data_ptr get_device name
    bitwise_and bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor
    bmm addmv baddbmm dot ger inner kron mv outer vdot itemsize nbytes layout is_sparse
    is_complex is_signed output_nr volatile is_cpu is_meta is_mps is_quantized is_xla is_xpu
    is_inference is_nonzero is_shared storage untyped_storage is_conj is_neg is_same_size dsplit
    gcd lcm is_mkldnn is_mtia is_ipu is_maia is_vulkan is_distributed is_set_to const_data_ptr ormqr
    is_nested is_sparse_csr record_stream lu_solve to_sparse to_sparse_coo
    imag istft nonzero_static stft""".split()
)
WITH_OTHERS: dict[str, Callable[[Any], tuple[Any, ...]]] = {
    "addbmm": lambda x: (x[None], x[None]), "addr": lambda x: (x[0], x[0]),
    "diagonal_scatter": lambda x: (x[0],), "map": lambda x: (x, max),
    "map2": lambda x: (x, x, lambda a, b, c: a + b + c),
    "index_reduce": lambda x: (0, PLACES[0], x, "amax"), "put": lambda x: (PLACES, x[:1]),
    "orgqr": lambda x: (x[0],), "as_strided_scatter": lambda x: (x[:2, :2], (2, 2), (1, 3)),
    "select_scatter": lambda x: (x[0], 0, 1),
    "addcdiv": lambda x: (x, x), "addcmul": lambda x: (x, x), "addmm": lambda x: (x, x),
    "index_add": lambda x: (0, PLACES[0], x), "index_copy": lambda x: (0, PLACES[0], x),
    "index_fill": lambda x: (0, PLACES[0], 0), "index_put": lambda x: ((PLACES[0],), x),
    "lerp": lambda x: (x, 0.5), "masked_scatter": lambda x: (MASK, x),
    "scatter": lambda x: (0, PLACES, x), "scatter_add": lambda x: (0, PLACES, x),
    "multinomial": lambda x: (2,),
    "resize_as": lambda x: (x,), "scatter_reduce": lambda x: (0, PLACES, x, "sum"),
    "where": lambda x: (MASK, x),
}  # fmt: skip
NAMES = [
    n
    for n in dir(tg.ones(1))
    if not n.startswith("_") and n.removesuffix("_") not in OTHERS and hasattr(tg.Tensor, n)
]


def fresh() -> Any:
    return tg.from_numpy(np.linspace(0.1, 0.9, 9, dtype=np.float32).reshape(3, 3))


def called(x: Any, name: str) -> Any:
    """The first tensor that a method, or an attribute, gives."""
    bare = name.removesuffix("_")
    found = getattr(x, name)
    if callable(found):
        if bare in WITH_OTHERS:
            found = found(*WITH_OTHERS[bare](x))
        elif bare in ARGUMENTS or name in ARGUMENTS:
            found = found(*ARGUMENTS.get(name, ARGUMENTS.get(bare, ())))
        else:
            try:
                found = found()
            except TypeError:
                found = found(x)
    return found[0] if isinstance(found, tuple) else found


def kind(x: Any, found: Any) -> str:
    if found is x:
        return "itself"
    return "a view" if np.may_share_memory(found.numpy(), x.numpy()) else "a copy"


def test_every_method() -> None:
    with several() as case:
        for name in NAMES:
            with case(name):
                check_method(name)


def check_method(name: str) -> None:
    x = fresh()
    if name == "cholesky":
        x = x @ x.t() + tg.tensor(np.eye(3, dtype=np.float32))
    found = called(x, name)
    wanted = "itself" if name in ITSELF or name.endswith("_") else "a copy"
    assert kind(x, found) == ("a view" if name in VIEWS else wanted)


COPIES = {
    "a flip of nothing": lambda x: x.flip(()),
    "a flip": lambda x: x.flip(0),
    "repeat by ones": lambda x: x.repeat(1, 1),
    "a product of one element": lambda x: x[:1, :1].prod(0),
    "a list": lambda x: x[[0, 1, 2]],
    "a mask": lambda x: x[MASK],
    "a mask of no dimensions": lambda x: x[True],
    "an index of one place": lambda x: x[tg.tensor([0])],
    "ravel of a transpose": lambda x: x.t().ravel(),
    "contiguous of a transpose": lambda x: x.t().contiguous(),
    "roll by nothing": lambda x: x.roll(0, 0),
    "rot90 by nothing": lambda x: x.rot90(0),
    "cat of one": lambda x: tg.cat([x]),
    "stack of one": lambda x: tg.stack([x]),
    "tensor": lambda x: tg.tensor(x),
    "to with copy": lambda x: x.to(tg.float32, copy=True),
    "F.pad by zeros": lambda x: tg.nn.functional.pad(x, (0, 0)),
    "clamp by nothing": lambda x: x.clamp(-9, 9),
}

VIEWED = {
    "an integer": lambda x: x[0],
    "an integer tensor": lambda x: x[tg.tensor(0)],
    "one element": lambda x: x[0, 0],
    "nothing": lambda x: x[()],
    "an ellipsis": lambda x: x[...],
    "None": lambda x: x[None],
    "a slice": lambda x: x[::2],
    "meshgrid": lambda x: tg.meshgrid(x[0], x[1], indexing="ij")[0],
    "broadcast_tensors": lambda x: tg.broadcast_tensors(x, tg.ones(2, 1, 1))[0],
    "atleast_3d": lambda x: tg.atleast_3d(x),
    "Variable": lambda x: tg.autograd.Variable(x, requires_grad=True).data,
    "from_numpy": lambda x: tg.from_numpy(x.numpy()),
    "as_tensor of an array": lambda x: tg.as_tensor(x.numpy()),
    "view as another dtype": lambda x: x.view(tg.int32),
}


@pytest.mark.parametrize("name", COPIES)
def test_copies(name: str) -> None:
    x = fresh()
    before = x.tolist()
    COPIES[name](x).mul_(10)
    assert x.tolist() == before


@pytest.mark.parametrize("name", VIEWED)
def test_views(name: str) -> None:
    x = fresh()
    found = VIEWED[name](x)
    assert kind(x, found) == "a view"
    x.fill_(5)
    assert found.reshape(-1)[0].item() in (5, 0x40A00000)  # or the bits of 5


def test_a_view_of_what_is_not_contiguous_raises() -> None:
    x = fresh()
    for refused in (x.t(), x[:, :2], x.expand(2, 3, 3)):
        with pytest.raises(RuntimeError, match=r"view: size .* use .reshape"):
            refused.view(-1)
        assert refused.reshape(-1).numel() == refused.numel()
    assert kind(x, x.t().view(3, 3, 1)) == "a view"  # no dimensions are merged
    assert x[:0].t().view(0).shape == (0,)


def test_a_view_of_what_the_library_laid_out_is_allowed() -> None:
    images = tg.nn.Conv2d(1, 2, 3)(tg.ones(2, 1, 5, 5))
    assert images.view(2, -1).tolist() == images.reshape(2, -1).tolist()
    weight = tg.nn.Linear(2, 3).weight
    assert weight.view(-1).tolist() == weight.reshape(-1).tolist()
