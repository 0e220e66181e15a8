"""What packages written for PyTorch ask for when they are imported, and when they look inside."""

from __future__ import annotations

import hashlib
import os
import warnings
from pathlib import Path

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite import absent, hub, jit, nn
from tinygrad_lite.nn import functional as F
from tinygrad_lite.tensor.subclass import disabled
from tinygrad_lite.utils import _pytree


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A published checkpoint, its name with the beginning of its hash; and a folder to keep it."""
    path = tmp_path / "net.pth"
    torch.save({"weight": torch.arange(3.0)}, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(hub, "_hub_dir", str(tmp_path / "kept"))
    return path.rename(tmp_path / f"net-{digest[:8]}.pth")


class TestHub:
    def test_folders(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(hub, "_hub_dir", None)
        monkeypatch.delenv("TORCH_HOME", raising=False)
        monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
        assert torch.hub.get_dir() == os.path.join("/cache", "torch", "hub")
        monkeypatch.setenv("TORCH_HOME", "/home")
        assert hub._get_torch_home() == "/home"
        torch.hub.set_dir(tmp_path)
        assert torch.hub.get_dir() == str(tmp_path)

    def test_weights_are_fetched_once(
        self, weights: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        url = weights.as_uri()
        for _ in range(2):
            state = torch.hub.load_state_dict_from_url(url, check_hash=True, progress=False)
            assert state["weight"].tolist() == [0, 1, 2]
            weights.unlink(missing_ok=True)  # the second time it is there
        assert capsys.readouterr().out.count("Downloading") == 1
        assert [p.name for p in Path(hub.get_dir(), "checkpoints").iterdir()] == [weights.name]

    def test_another_hash_leaves_nothing(self, weights: Path) -> None:
        weights.write_bytes(weights.read_bytes() + b"\0")
        with pytest.raises(RuntimeError, match="invalid hash value"):
            torch.hub.load_state_dict_from_url(weights.as_uri(), check_hash=True, progress=False)
        assert not [*Path(hub.get_dir(), "checkpoints").iterdir()]

    def test_nothing_in_a_file_is_run(self, weights: Path) -> None:
        ran = weights.with_name("ran")
        weights.write_bytes(b"cposix\nsystem\n(Vtouch " + str(ran).encode() + b"\ntR.")
        with pytest.raises(torch.FileError):
            torch.hub.load_state_dict_from_url(weights.as_uri(), progress=False)
        assert not ran.exists()

    def test_a_folder_with_entries(self, tmp_path: Path) -> None:
        (tmp_path / "hubconf.py").write_text(
            "dependencies = ['numpy']\n"
            "def twice(x, by=2):\n    'Twice.'\n    return by * x\n"
            "def _hidden(): pass\n"
        )
        assert torch.hub.list(tmp_path, source="local") == ["twice"]
        assert torch.hub.help(tmp_path, "twice", source="local") == "Twice."
        assert torch.hub.load(tmp_path, "twice", 3, source="local", by=5) == 15
        with pytest.raises(RuntimeError, match="Cannot find callable none in hubconf"):
            torch.hub.load(tmp_path, "none", source="local")
        with pytest.raises(NotImplementedError, match="clone 'a/b'"):
            torch.hub.load("a/b", "twice")
        with pytest.raises(ValueError, match='Unknown source: "web"'):
            torch.hub.load("a/b", "twice", source="web")

    def test_a_missing_package_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "hubconf.py").write_text("dependencies = ['no_such']\ndef f(): pass\n")
        with pytest.raises(RuntimeError, match="Missing dependencies: no_such"):
            torch.hub.load(tmp_path, "f", source="local")

    def test_the_old_name(self) -> None:
        assert torch.utils.model_zoo.load_url is hub.load_state_dict_from_url
        with torch.utils.model_zoo.tqdm(total=2, disable=True) as bar:
            bar.update(2)


class TestStandIns:
    def test_a_library_of_operations_does_not_fit(self) -> None:
        for owner in (torch.ops, torch.classes):
            with pytest.raises(OSError, match="nothing here is bound to C"):
                owner.load_library("_C.so")  # packages go on in Python

    def test_kinds_of_operations(self) -> None:
        keys = torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastCPU)
        assert keys | keys == torch._C.DispatchKeySet(*keys._args, *keys._args)
        with torch._C._ExcludeDispatchKeyGuard(keys | keys):
            pass

    def test_onnx(self) -> None:
        @torch.onnx.symbolic_helper.parse_args("v", "f")
        def symbolic(g: object) -> None: ...

        torch.onnx.register_custom_op_symbolic("mine::f", symbolic, 11)
        torch.onnx.unregister_custom_op_symbolic("mine::f", 11)

    def test_where_to(self) -> None:
        parse = torch._C._nn._parse_to
        assert parse("cpu", torch.float64, True) == (torch.device("cpu"), torch.float64, True, None)
        assert parse(torch.ones(2)) == (torch.device("cpu"), torch.float32, False, None)
        assert parse(dtype=torch.half) == (None, torch.half, False, None)

    def test_names_in_annotations(self) -> None:
        assert issubclass(torch.PyTorchFileReader, object)
        assert torch.quint4x2 is not torch.float32
        assert torch.ScriptModule is jit.ScriptModule
        assert torch.serialization.MAP_LOCATION is not None
        assert not torch.profiler.kineto_available()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)

    def test_a_name_below_a_module_that_is_missing(self) -> None:
        with pytest.raises(NotImplementedError, match=r"_C\._nn\.other is not"):
            torch._C._nn.other()
        assert absent._present("no.such") is None


def test_a_class_that_takes_nothing_over() -> None:
    class Point(torch.Tensor):
        from tinygrad_lite._C import _disabled_torch_function_impl

        __torch_function__ = _disabled_torch_function_impl

    assert Point.__torch_function__ is disabled
    point = torch.ones(2).as_subclass(Point).requires_grad_()
    made = point * 2 + point.exp()
    assert type(made) is torch.Tensor
    made.sum().backward()
    np.testing.assert_allclose(point.grad.numpy(), 2 + np.e, rtol=1e-6)
    assert not torch.overrides.has_torch_function((point,))


def test_numbers_for_a_workers_numpy() -> None:
    from tinygrad_lite.utils.data._utils.worker import _generate_state

    # PyTorch's
    assert _generate_state(5, 1) == STATES[0]
    assert _generate_state(2**40 + 3, 2) == STATES[1]


STATES = [
    [3025039489, 3528014902, 3507927383, 2601490367],
    [1376921826, 418237457, 1492656580, 601030998],
]


def test_a_leafs_form() -> None:
    leaves, form = _pytree.tree_flatten([1, (2,)])
    assert isinstance(form.children_specs[0], _pytree.LeafSpec)
    assert not isinstance(form, _pytree.LeafSpec)
    assert _pytree.LeafSpec() is _pytree.treespec_leaf()
    made = _pytree.TreeSpec(list, None, [_pytree.LeafSpec(), form.children_specs[1]])
    assert made == form
    assert _pytree.tree_unflatten(leaves, made) == [1, (2,)]


class TestSamplers:
    """A loader that shuffles asks its sampler, in case a program changed what that gives."""

    def test_patched(self, monkeypatch: pytest.MonkeyPatch) -> None:
        data = torch.utils.data
        loader = data.DataLoader(torch.arange(5), 2, shuffle=True)
        assert loader.state_dict()["order"] is None
        monkeypatch.setattr(data.RandomSampler, "__iter__", lambda self: iter([4, 0, 2]))
        assert [batch.tolist() for batch in loader] == [[4, 0], [2]]
        with pytest.raises(RuntimeError, match="only a loader that makes its order itself"):
            loader.state_dict()

    @pytest.mark.parametrize("shuffle", [False, True])
    def test_replaced(self, shuffle: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        data = torch.utils.data
        owner = data.RandomSampler if shuffle else data.SequentialSampler

        class Backwards(owner):  # type: ignore[misc, valid-type]
            def __iter__(self) -> object:
                return reversed(range(len(self)))

        monkeypatch.setattr(f"tinygrad_lite.data.loader.{owner.__name__}", Backwards)
        loader = data.DataLoader(torch.arange(4), 3, shuffle=shuffle)
        assert [batch.tolist() for batch in loader] == [[3, 2, 1], [0]]


class TestGroupedProducts:
    A, B = torch.arange(12.0).view(6, 2), torch.arange(12.0).view(2, 2, 3) - 5
    ENDS = torch.tensor([1, 4], dtype=torch.int32)

    def test_rows(self) -> None:
        a, b = (t.clone().requires_grad_() for t in (self.A, self.B))
        made = F.grouped_mm(a, b, offs=self.ENDS)
        expected = torch.cat([self.A[:1] @ self.B[0], self.A[1:4] @ self.B[1], torch.zeros(2, 3)])
        assert made.tolist() == expected.tolist()
        made.sum().backward()
        assert b.grad[0].tolist() == [[0, 0, 0], [1, 1, 1]]
        assert b.grad[1].tolist() == [[12, 12, 12], [15, 15, 15]]
        assert a.grad.tolist() == [[-12, -3], *3 * [[6, 15]], [0, 0], [0, 0]]
        assert torch._grouped_mm(self.A, self.B, offs=self.ENDS).tolist() == expected.tolist()

    def test_columns(self) -> None:
        made = F.grouped_mm(self.B.mT, self.A.mT, offs=self.ENDS)
        b = self.B.mT
        parts = [b[0] @ self.A[:1].T, b[1] @ self.A[1:4].T, torch.zeros(3, 2)]
        assert made.tolist() == torch.cat(parts, 1).tolist()

    def test_inner(self) -> None:
        made = F.grouped_mm(self.A.mT, self.A, offs=self.ENDS)
        parts = [self.A[:1].T @ self.A[:1], self.A[1:4].T @ self.A[1:4]]
        assert made.tolist() == torch.stack(parts).tolist()

    def test_batches(self) -> None:
        assert F.grouped_mm(self.B, self.B.mT).tolist() == (self.B @ self.B.mT).tolist()

    @pytest.mark.parametrize(
        ("more", "match"),
        [
            ({}, "Have to provide offsets"),
            ({"offs": torch.tensor([1, 4])}, "have to be int32"),
            ({"offs": torch.tensor([4, 1], dtype=torch.int32)}, "2 ends of groups in ascending"),
            ({"offs": torch.tensor([1, 7], dtype=torch.int32)}, "of 6 at most"),
            ({"offs": torch.tensor([6], dtype=torch.int32)}, "2 ends of groups"),
            ({"offs": ENDS, "bias": torch.ones(3)}, "Bias not supported"),
            ({"offs": ENDS, "out_dtype": torch.float64}, "expected one dtype"),
        ],
    )
    def test_refused(self, more: dict[str, object], match: str) -> None:
        with pytest.raises(RuntimeError, match=match):
            F.grouped_mm(self.A, self.B, **more)
        with pytest.raises(RuntimeError, match="two or three dimensions"):
            F.grouped_mm(self.A[0], self.B)


def test_a_devices_module() -> None:
    assert torch.get_device_module("cpu") is torch.cpu
    assert torch.get_device_module(torch.device("cuda:1")) is torch.cuda
    assert torch.get_device_module() is (torch.cuda if torch.cuda.is_available() else torch.cpu)
    with pytest.raises(RuntimeError, match="Device 'meta' does not have"):
        torch.get_device_module("meta")


def test_a_draw_of_each_rows_concentrations() -> None:
    draw = torch._sample_dirichlet(torch.tensor([[1e6, 1e6], [1e6, 3e6]]))
    np.testing.assert_allclose(draw.numpy(), [[0.5, 0.5], [0.25, 0.75]], atol=0.01)


class TestLayersInside:
    """What programs' layers use of PyTorch's base classes."""

    def test_convolution_of_another_weight(self) -> None:
        class Standardised(nn.Conv2d):
            def forward(self, input: torch.Tensor) -> torch.Tensor:
                return self._conv_forward(input, self.weight * 2, self.bias)

        class Doubled(nn.Conv1d):
            def _conv_forward(self, input: torch.Tensor, weight: object, bias: object) -> object:
                return super()._conv_forward(input, weight * 2, bias)  # type: ignore[operator]

        for kind, usual, shape in [
            (Standardised, nn.Conv2d, (1, 2, 5, 5)),
            (Doubled, nn.Conv1d, (1, 2, 5)),
        ]:
            layer, x = kind(2, 3, 3, padding=1, padding_mode="reflect"), torch.randn(*shape)
            plain = usual(2, 3, 3, padding=1, padding_mode="reflect")
            plain.load_state_dict(layer.state_dict())
            expected = 2 * (plain(x) - plain(x * 0)) + plain(x * 0)
            np.testing.assert_allclose(layer(x).detach(), expected.detach(), atol=1e-5)

    def test_convolutions_attributes(self) -> None:
        conv = nn.Conv2d(1, 1, 3, padding=(1, 2))
        assert (conv.transposed, conv.output_padding) == (False, (0, 0))
        assert conv._reversed_padding_repeated_twice == [2, 2, 1, 1]
        assert nn.Conv1d(1, 1, 4, padding="same")._reversed_padding_repeated_twice == [1, 2]
        assert nn.Conv1d(1, 1, 4, padding="valid")._reversed_padding_repeated_twice == [0, 0]
        turned = nn.ConvTranspose2d(1, 1, 3, 2, output_padding=1)
        assert (turned.transposed, turned.output_padding) == (True, (1, 1))
        assert "output_padding" not in repr(conv)

    def test_norms_of_other_ranks(self) -> None:
        class AnyRank(nn.modules.batchnorm._BatchNorm):
            def _check_input_dim(self, input: torch.Tensor) -> None:
                if input.dim() < 2:
                    raise ValueError("too few")

        class Strict(nn.BatchNorm1d):
            def _check_input_dim(self, input: torch.Tensor) -> None:
                if input.dim() != 2:
                    raise ValueError("not two")

        x = torch.randn(4, 3, 2, 2, 2, 2)
        expected = nn.BatchNorm1d(3)(x.view(4, 3, 16)).view(4, 3, 2, 2, 2, 2)
        np.testing.assert_allclose(AnyRank(3)(x).detach(), expected.detach(), atol=1e-5)
        with pytest.raises(ValueError, match="too few"):
            AnyRank(3)(torch.ones(3))
        with pytest.raises(ValueError, match="not two"):
            Strict(3)(torch.ones(2, 3, 2))
        with pytest.raises(NotImplementedError, match="must define _check_input_dim"):
            nn.modules.batchnorm._BatchNorm(3)(x)
        with pytest.raises(ValueError, match="expected 4D input"):
            nn.BatchNorm2d(3)._check_input_dim(torch.ones(2, 3))
        nn.BatchNorm2d(3)._check_input_dim(torch.ones(2, 3, 1, 1))

    def test_what_a_loader_asks(self) -> None:
        data = torch.utils.data
        loader = data.DataLoader(torch.arange(4), 2)
        assert loader._auto_collation
        assert loader._index_sampler is loader.batch_sampler
        single = data.DataLoader(torch.arange(4), None)
        assert not single._auto_collation
        assert single._index_sampler is single.sampler


@pytest.mark.filterwarnings("ignore:This overload")
class TestOldCalls:
    """A factor in front, as PyTorch had it until 1.4 and takes it still."""

    X, Y, Z = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 5.0]), torch.tensor([2.0, 4.0])
    M, V = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1.0, -1.0])

    @pytest.mark.parametrize(
        ("name", "rest", "expected"),
        [
            ("add", (2.0, Y), [7, 12]),
            ("add", (2, Y), [7, 12]),
            ("sub", (2.0, Y), [-5, -8]),
            ("addcmul", (0.5, Y, Z), [4, 12]),
            ("addcdiv", (2.0, Y, Z), [4, 4.5]),
        ],
    )
    def test_factor(self, name: str, rest: tuple[object, ...], expected: list[float]) -> None:
        assert getattr(torch, name)(self.X, *rest).tolist() == expected
        assert getattr(self.X, name)(*rest).tolist() == expected
        changed = self.X.clone()
        assert getattr(changed, f"{name}_")(*rest) is changed
        assert changed.tolist() == expected
        out = torch.empty(2)
        assert getattr(torch, name)(self.X, *rest, out=out) is out
        assert out.tolist() == expected

    @pytest.mark.parametrize(
        ("name", "first", "rest"),
        [
            ("addmm", M, (M, M)),
            ("addmv", V, (M, V)),
            ("addr", M, (V, V)),
            ("baddbmm", M[None], (M[None], M[None])),
            ("addbmm", M, (M[None], M[None])),
        ],
    )
    def test_sums(self, name: str, first: torch.Tensor, rest: tuple[object, ...]) -> None:
        function, method = getattr(torch, name), getattr(first, name)
        both = function(first, *rest, beta=0.5, alpha=2).tolist()
        one = function(first, *rest, beta=0.5).tolist()
        assert both != one
        assert function(0.5, first, 2, *rest).tolist() == method(0.5, 2, *rest).tolist() == both
        assert function(0.5, first, *rest).tolist() == method(0.5, *rest).tolist() == one
        changed = first.clone()
        assert getattr(changed, f"{name}_")(0.5, 2, *rest).tolist() == both

    def test_gradient(self) -> None:
        y = self.Y.clone().requires_grad_()
        self.X.add(2.0, y).sum().backward()
        assert y.grad.tolist() == [2, 2]

    def test_others_are_refused_as_ever(self) -> None:
        for wrong in [
            lambda: torch.add(self.X, 2.0, self.Y, alpha=3),
            lambda: torch.addcmul(self.X, 2.0, self.Y),
            lambda: torch.add(self.X, "2", self.Y),
            lambda: torch.addmm(self.M, 2.0, self.M, 1.0, self.M),
        ]:
            with pytest.raises(TypeError):
                wrong()
