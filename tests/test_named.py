"""Names that packages ask PyTorch for when they are imported, before anything is computed."""

from __future__ import annotations

import typing
from typing import Any

import pytest

import tinygrad_lite as torch
from tests.several import several
from tinygrad_lite import absent, nn
from tinygrad_lite.tensor import element
from tinygrad_lite.utils import _pytree

UNHELD = {  # of PyTorch 2.13: abbr, floating point, itemsize
    "complex32": ("c32", False, 4),
    "float8_e4m3fn": ("f8e4m3fn", True, 1),
    "float8_e4m3fnuz": ("f8e4m3fnuz", True, 1),
    "float8_e5m2": ("f8e5m2", True, 1),
    "float8_e5m2fnuz": ("f8e5m2fnuz", True, 1),
    "float8_e8m0fnu": ("f8e8m0fnu", True, 1),
    "qint32": ("qint32", False, 4),
    "qint8": ("qint8", False, 1),
    "quint8": ("quint8", False, 1),
}
LIMITS = {  # of PyTorch 2.13: min, max, eps, smallest normal
    "float8_e4m3fn": (-448.0, 448.0, 0.125, 0.015625),
    "float8_e4m3fnuz": (-240.0, 240.0, 0.125, 0.0078125),
    "float8_e5m2": (-57344.0, 57344.0, 0.25, 6.103515625e-05),
    "float8_e5m2fnuz": (-57344.0, 57344.0, 0.125, 3.0517578125e-05),
    "float8_e8m0fnu": (5.877471754111438e-39, 1.7014118346046923e38, 1.0, 5.877471754111438e-39),
}


def test_dtypes_that_no_tensor_is_of() -> None:
    assert element._UNHELD.keys() == UNHELD.keys()
    kinds = {
        "c": "tensors of complex numbers",
        "f": "tensors of 8-bit floats",
        "q": "quantised tensors",
    }
    takes: dict[str, Any] = {
        "zeros": lambda d: torch.zeros(1, dtype=d),
        "to": lambda d: torch.ones(1).to(d),
        "default": torch.set_default_dtype,
        "iinfo": torch.iinfo,
        "can_cast": lambda d: torch.can_cast(torch.float32, d),
        "promote": lambda d: torch.promote_types(d, torch.float32),
    }
    with several() as case:
        for name, (abbr, floating, size) in UNHELD.items():
            own = getattr(torch, name)
            with case(name):
                assert (own.abbr, own.is_floating_point, own.itemsize) == (abbr, floating, size)
                assert repr(own) == f"torch.{name}"
                assert own.is_signed is (not name.startswith("q") and name != "float8_e8m0fnu")
                assert [other for other in element.BY_NAME.values() if other == own] == [own]
                for take in takes.values():
                    with pytest.raises(TypeError, match=f"{name}; there are no {kinds[own.kind]}"):
                        take(own)
                if name != "complex32":
                    with pytest.raises(RuntimeError, match="no complex dtype"):
                        own.to_complex()
    assert torch.get_default_dtype() is torch.float32


def test_the_limits_of_eight_bit_floats() -> None:
    with several() as case:
        for name, limits in LIMITS.items():
            with case(name):
                info = torch.finfo(getattr(torch, name))
                assert (info.min, info.max, info.eps, info.smallest_normal) == limits
                assert (info.bits, info.resolution, info.tiny) == (8, 1.0, limits[3])
                assert info.dtype == name
    assert repr(torch.finfo(torch.float8_e4m3fn)) == (
        "finfo(resolution=1, min=-448, max=448, eps=0.125, smallest_normal=0.015625, "
        "tiny=0.015625, dtype=float8_e4m3fn)"
    )


@pytest.mark.parametrize("name", absent.NAMED)
def test_names_in_annotations_and_tables(name: str) -> None:
    found: Any = torch
    for part in name.split("."):
        found = getattr(found, part)
    whole = f"torch.{name}".replace(".", r"\.")
    assert list[found]
    assert found | None
    assert not isinstance(torch.ones(1), found)
    with pytest.raises(NotImplementedError, match=f"{whole} is not in"):
        found()


@pytest.mark.parametrize("name", absent.IMPORTED)
def test_functions_that_are_imported_and_perhaps_not_called(name: str) -> None:
    module, _, short = name.rpartition(".")
    scope: dict[str, Any] = {}
    exec(f"from tinygrad_lite.{module} import {short}", scope)
    with pytest.raises(NotImplementedError, match=f"{module}.{short} is not in"):
        scope[short]()
    assert not hasattr(getattr(torch, module), short)  # who asks is told


def test_legacy_types_and_loaders_in_annotations() -> None:
    types: Any = torch
    assert typing.get_args(types.LongTensor | None) == (torch.LongTensor, type(None))
    assert typing.get_args(None | types.cuda.FloatTensor)[1] is torch.cuda.FloatTensor
    assert typing.get_args(types.LongTensor | types.Tensor) == (torch.LongTensor, torch.Tensor)
    assert typing.get_args(torch.utils.data.DataLoader[int]) == (int,)
    loader = torch.utils.data.dataloader
    assert typing.get_origin(loader._collate_fn_t[int]) is typing.get_origin(loader._collate_fn_t)


def test_what_programs_make_and_call_of_missing_modules() -> None:
    from tinygrad_lite.distributed.tensor import Replicate, Shard

    assert Shard(0) == Shard(0) != Shard(1)
    assert Shard(0) != Replicate()
    assert len({Shard(0), Shard(0), Replicate()}) == 2
    assert repr([Shard(-1), Replicate()]) == "[Shard(-1), Replicate()]"
    for name in ("assume_constant_result", "disallow_in_graph", "nonstrict_trace"):
        assert getattr(torch._dynamo, name)(len) is len
    assert torch._dynamo.graph_break() is torch._dynamo.mark_dynamic(torch.ones(1), 0) is None
    with torch._dynamo.utils.disable_cache_limit(), torch._inductor.config.patch(a=1) as block:
        assert block is None
    assert torch._dynamo.config.patch("a", 1)(lambda x: x + 1)(2) == 3


def test_layouts_that_no_tensor_has() -> None:
    for name in ("sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc", "jagged"):
        layout = getattr(torch, name)
        assert repr(layout) == f"torch.{name}"
        assert torch.ones(1).layout != layout
        with pytest.raises(NotImplementedError, match="no sparse tensors"):
            torch.zeros(1, layout=layout)


def test_base_classes_by_pytorchs_names() -> None:
    modules: Any = nn.modules
    bases = {
        modules.dropout._DropoutNd: [nn.Dropout(), nn.Dropout2d(), nn.AlphaDropout()],
        modules.pooling._MaxPoolNd: [nn.MaxPool1d(2), nn.MaxPool3d(2)],
        modules.pooling._AvgPoolNd: [nn.AvgPool1d(2), nn.AvgPool3d(2)],
        modules.pooling._AdaptiveAvgPoolNd: [nn.AdaptiveAvgPool1d(1), nn.AdaptiveAvgPool3d(1)],
        modules.pooling._AdaptiveMaxPoolNd: [nn.AdaptiveMaxPool1d(1), nn.AdaptiveMaxPool3d(1)],
        modules.pooling._LPPoolNd: [nn.LPPool2d(2, 2)],
        modules.pooling._MaxUnpoolNd: [nn.MaxUnpool2d(2)],
        modules.conv._ConvTransposeNd: [nn.ConvTranspose2d(1, 1, 1), nn.ConvTranspose3d(1, 1, 1)],
        modules.lazy.LazyModuleMixin: [nn.LazyLinear(1)],
    }
    every = [layer for layers in bases.values() for layer in layers]
    for base, layers in bases.items():
        assert [layer for layer in every if isinstance(layer, base)] == layers
    assert modules.utils._reverse_repeat_tuple((1, 2), 2) == (2, 2, 1, 1)
    assert modules.module._addindent("a\nb\nc", 3) == "a\n   b\n   c"
    assert modules.module._EXTRA_STATE_KEY_SUFFIX == "_extra_state"
    parameter: Any = nn.parameter
    assert isinstance(nn.LazyLinear(1).weight, parameter.UninitializedTensorMixin)


def test_helpers_of_distributions_and_files() -> None:
    from tinygrad_lite.distributions import transforms, utils
    from tinygrad_lite.distributions.multivariate_normal import _precision_to_scale_tril

    x = torch.arange(24.0).reshape(2, 3, 4)
    assert utils._sum_rightmost(x, 0) is x
    assert utils._sum_rightmost(x, 2).tolist() == [66.0, 210.0]
    assert utils._sum_rightmost(x, 1).shape == (2, 3)
    drawn = utils._standard_normal(torch.Size([2, 3]), dtype=torch.float64, device="cpu")
    assert (drawn.shape, drawn.dtype) == ((2, 3), torch.float64)
    assert round(utils.euler_constant, 6) == 0.577216
    inverse = transforms.ExpTransform().inv
    assert isinstance(inverse, transforms._InverseTransform)
    assert repr(inverse) == "_InverseTransform(ExpTransform())"
    factor = _precision_to_scale_tril(torch.tensor([[4.0, 0.0], [0.0, 16.0]]))
    assert factor.tolist() == [[0.5, 0.0], [0.0, 0.25]]
    assert torch.serialization.DEFAULT_PROTOCOL == 2
    assert torch._tensor_str.PRINT_OPTS.threshold == 1000
    assert torch._tensor_str._tensor_str(torch.ones(2), indent=0) == "[1., 1.]"


def test_dicts_in_trees_know_their_keys() -> None:
    pairs, keys = _pytree._dict_flatten_with_keys({"a": 1, 2: "b"})
    assert keys == ["a", 2]
    assert [(str(key), value) for key, value in pairs] == [("['a']", 1), ("[2]", "b")]
    assert pairs[0][0].get({"a": 5}) == 5


def test_checks_of_arguments() -> None:
    checks: Any = torch
    kinds = {
        "_check": RuntimeError,
        "_check_index": IndexError,
        "_check_value": ValueError,
        "_check_type": TypeError,
        "_check_not_implemented": NotImplementedError,
    }
    for name, kind in kinds.items():
        check = getattr(checks, name)
        assert check(True, lambda: 1 / 0) is None  # no text is made of what holds
        with pytest.raises(kind, match="so"):
            check(False, lambda: "so")
        with pytest.raises(kind, match="Expected cond to be True"):
            check(False)
    with pytest.raises(KeyError, match="so"):
        checks._check_with(KeyError, 0, lambda: "so")
    assert checks._check_tensor_all(torch.tensor([True, True])) is None
    with pytest.raises(RuntimeError, match="so"):
        checks._check_tensor_all(torch.tensor([True, False]), lambda: "so")
    with pytest.raises(KeyError):
        checks._check_tensor_all_with(KeyError, torch.tensor([False]))
    with pytest.raises(TypeError, match=r"dtype torch\.bool, but got torch\.float32"):
        checks._check_tensor_all(torch.ones(1))
    assert checks._check_is_size(0) is checks._check_is_size(3, max=3) is None
    for size, most in ((-1, None), (4, 3)):
        with pytest.raises(RuntimeError):
            checks._check_is_size(size, max=most)
