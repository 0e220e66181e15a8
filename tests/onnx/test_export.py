"""ONNX files: what onnxruntime makes of them is what the model gives."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite import nn
from tinygrad_lite.nn import functional as F

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")


def run(content: bytes, *inputs: Any) -> list[np.ndarray]:
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    names = [i.name for i in session.get_inputs()]
    return session.run(None, dict(zip(names, (x.numpy() for x in inputs), strict=True)))


def exported(model: nn.Module, args: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    torch.onnx.export(model, args, file, **options)
    return file.getvalue()


class Call(nn.Module):
    """A function as a model."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Any) -> Any:
        return self.function(*inputs)


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(6)
        self.short = nn.Conv2d(3, 6, 1, stride=2)
        self.out = nn.Linear(6, 4)

    def forward(self, x: Any) -> Any:
        y = F.relu(self.norm(self.conv(x)) + self.short(x))
        return self.out(F.adaptive_avg_pool2d(y, 1).view(y.size(0), -1))


class Words(nn.Module):
    """A small GPT's parts: embeddings, positions, causal attention."""

    def __init__(self) -> None:
        super().__init__()
        self.token, self.place = nn.Embedding(11, 8), nn.Embedding(6, 8)
        self.qkv, self.norm = nn.Linear(8, 24), nn.LayerNorm(8)

    def forward(self, index: Any) -> Any:
        n, t = index.shape
        x = self.token(index) + self.place(torch.arange(t))
        q, k, v = (a.view(n, t, 2, 4).transpose(1, 2) for a in self.qkv(x).split(8, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.norm(x + y.transpose(1, 2).reshape(n, t, 8))


class Masked(nn.Module):
    """A transformer's layer under a mask that the model makes."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)

    def forward(self, x: Any) -> Any:
        return self.layer(x, src_mask=torch.triu(torch.ones(5, 5), 1).bool())


IMAGES = {
    "mlp": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(192, 7), nn.Tanh(), nn.Dropout(0.5), nn.Linear(7, 3), nn.Softmax(1)
    ),
    "convnet": lambda: nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1, dilation=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True),
        nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, groups=2, padding=1), nn.LeakyReLU(0.1),
        nn.AvgPool2d(2), nn.Flatten(), nn.Linear(16, 5), nn.LogSoftmax(dim=1),
    ),
    "residual": Residual,
    "decoder": lambda: nn.Sequential(
        nn.ConvTranspose2d(3, 4, 4, stride=2, padding=1), nn.ELU(), nn.Upsample(scale_factor=2),
        nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1, output_padding=1), nn.Sigmoid(),
    ),
    "norms": lambda: nn.Sequential(
        nn.ReflectionPad2d(1), nn.ZeroPad2d(2), nn.Conv2d(3, 4, 1), nn.GroupNorm(2, 4), nn.GELU(),
        nn.InstanceNorm2d(4), nn.SiLU(), nn.Hardswish(), nn.PReLU(), nn.Mish(), nn.ReLU6(),
        nn.PixelShuffle(2), nn.AdaptiveAvgPool2d(1), nn.Softplus(2), nn.Hardtanh(), nn.SELU(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("free", [False, True], ids=["fixed", "any batch"])
@pytest.mark.parametrize("name", IMAGES)
def test_models_of_images(name: str, free: bool, tmp_path: Path) -> None:
    torch.manual_seed(1)
    model = IMAGES[name]()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_var.uniform_(0.5, 2)
            module.running_mean.normal_()
    x = torch.randn(2, 3, 8, 8)
    options: dict[str, Any] = {"input_names": ["image"], "output_names": ["y"]}
    if free:
        options["dynamic_axes"] = {"image": {0: "batch"}, "y": {0: "batch"}}
    path = tmp_path / "m.onnx"
    torch.onnx.export(model, (x,), path, **options)
    assert model.training
    model.eval()
    for batch in (x, torch.randn(5, 3, 8, 8)) if free else (x, torch.randn(2, 3, 8, 8)):
        (found,) = run(path.read_bytes(), batch)
        np.testing.assert_allclose(found, model(batch).detach().numpy(), rtol=2e-4, atol=2e-5)


def test_models_of_words() -> None:
    torch.manual_seed(2)
    model = Words()
    index = torch.randint(0, 11, (2, 6))
    content = exported(model, index, dynamic_axes={"input": [0]})
    other = torch.randint(0, 11, (3, 6))
    for given in (index, other):
        wanted = model(given).detach().numpy()
        np.testing.assert_allclose(run(content, given)[0], wanted, rtol=1e-4, atol=1e-5)


def test_a_transformer() -> None:
    torch.manual_seed(3)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    x = torch.randn(2, 5, 8)
    content = exported(layer, x, dynamic_axes={"input": [0]})
    layer.eval()
    wide = torch.randn(4, 5, 8)
    np.testing.assert_allclose(run(content, wide)[0], layer(wide).detach().numpy(), atol=1e-5)


FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "arithmetic": lambda x, y: (x + 2) * y - x / 3 + y**2 - 1 / (x.abs() + 1),
    "elementwise": lambda x, y: x.exp().log1p() if False else x.exp() + y.sin() + x.erf().sqrt(),
    "choices": lambda x, y: torch.where(x > y, x, y) + torch.maximum(x, y) + x.clamp(-1, 1),
    "sums": lambda x, y: x.sum(1) + y.mean(dim=1) + x.amax(1) + y.logsumexp(1),
    "products": lambda x, y: x @ y.t() + F.normalize(x, dim=1).sum(),
    "slices": lambda x, y: x[:, 1:3] + y[:, ::2] + x[0][None, :2] + y[:, -1, None],
    "shapes": lambda x, y: torch.cat([x, y], 1).view(-1, 2, 4).permute(2, 0, 1).flatten(1).flip(0),
    "stack": lambda x, y: torch.stack([x, y], 0).squeeze().unsqueeze(1).expand(2, 3, 3, 4),
    "picked": lambda x, y: x[:, torch.tensor([2, 0])] + y.softmax(-1)[:, :2],
    "cast": lambda x, y: (x * 10).int().float() + (x > 0).float() * y,
    "gelu": lambda x, y: F.gelu(x, approximate="tanh") + F.logsigmoid(y) + F.elu(x, 0.5),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_operations(name: str) -> None:
    torch.manual_seed(4)
    x, y = torch.randn(3, 4).abs(), torch.randn(3, 4)
    model = Call(FUNCTIONS[name])
    content = exported(model, (x, y))
    for scale in (1.0, 0.3):
        (found,) = run(content, x * scale, y * scale)
        wanted = model(x * scale, y * scale).numpy()
        assert found.dtype == wanted.dtype
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_several_outputs_and_names() -> None:
    content = exported(Call(lambda x: (x + 1, x * 2)), torch.ones(2), output_names=["a"])
    model = onnx.load_from_string(content)
    assert [o.name for o in model.graph.output] == ["a", "output_1"]
    assert [i.name for i in model.graph.input] == ["input"]
    a, b = run(content, torch.ones(2))
    assert (a.tolist(), b.tolist()) == ([2, 2], [2, 2])


def test_outputs_within_outputs() -> None:
    content = exported(Call(lambda x: (x + 1, [x * 2, (x - 1,)])), torch.ones(2))
    assert [found.tolist() for found in run(content, torch.ones(2))] == [[2, 2], [2, 2], [0, 0]]


def test_where_softplus_becomes_the_identity() -> None:
    x = torch.tensor([-1.0, 0.2, 0.6, 3.0])
    (found,) = run(exported(nn.Softplus(2.0, 1.0), x), x)
    np.testing.assert_allclose(found, [0.063464, 0.456508, 0.6, 3.0], rtol=1e-5)


def add_into(x: Any) -> Any:
    y = x * 2
    z = y + 1
    y.add_(5)
    return y * z


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x: x * float(x.sum()), "depends on the input"),
        (lambda x: x * torch.from_numpy(x.numpy() * 2), "depends on the input"),
        (lambda x: x.cumsum(0), "cumsum is not known"),
        (lambda x: x.exp() if x.sum() > 0.5 else x.log(), "what the model does depends"),
        (add_into, "changed in place"),
        (lambda x: x, "no operation made"),
    ],
)
def test_what_cannot_be_written_is_said(function: Callable[[Any], Any], said: str) -> None:
    x = torch.full((2,), 0.2)
    with pytest.raises(NotImplementedError, match=said):
        exported(Call(function), x)


def test_wrong_arguments() -> None:
    with pytest.raises(TypeError, match="a Tensor or a tuple"):
        exported(nn.ReLU(), [1])
    with pytest.raises(TypeError, match="gave a dict"):
        exported(Call(lambda x: {"y": x}), torch.ones(1))
    with pytest.raises(NotImplementedError, match="opset 9"):
        exported(nn.ReLU(), torch.ones(1), opset_version=9)


def test_attention_under_a_mask_that_the_model_makes() -> None:
    model = Masked()
    content = exported(model, torch.randn(2, 5, 8), dynamic_axes={"input": [0]})
    more = torch.randn(3, 5, 8)
    wanted = model.eval()(more).detach().numpy()
    np.testing.assert_allclose(run(content, more)[0], wanted, rtol=1e-4, atol=1e-5)
