"""`debug.summary`: figures counted by hand, and nothing of the model changed."""

from __future__ import annotations

import subprocess
import sys

import pytest

import tinygrad_lite as torch
from tinygrad_lite import debug, nn
from tinygrad_lite.autograd.memory import saved_bytes
from tinygrad_lite.debug import text


class Pair(nn.Module):
    """Two inputs, a shared layer called twice, a layer that is never called."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = nn.Linear(3, 2, bias=False)
        self.idle = nn.Linear(7, 7)

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.shared(a) * 2, self.shared(b)


def convnet() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(8 * 16, 10),
    )  # fmt: skip


def test_figures_are_those_counted_by_hand() -> None:
    found = debug.summary(convnet(), (4, 3, 8, 8))
    rows = {row.name: row for row in found.rows}
    outputs = 4 * 8 * 8 * 8
    assert rows["0"].flops == 2 * outputs * 27 + outputs
    assert rows["1"].flops == 5 * outputs
    assert rows["2"].flops == outputs
    assert rows["5"].flops == 2 * 40 * 128 + 40
    assert rows["0"].parameters == 8 * 27 + 8
    assert rows["3"].shape == "(4, 8, 4, 4)"
    assert rows["0"].output == outputs * 4
    assert found.parameters == found.trainable == 224 + 16 + 1290
    assert found.flops == sum(row.flops for row in found.rows)


def test_saved_memory_is_the_graphs() -> None:
    model = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 4), nn.Sigmoid())
    x = torch.zeros(7, 6)
    found = debug.summary(model, (7, 6))
    # The output itself, which Sigmoid keeps, is not counted by the measure of the graph.
    assert found.saved == saved_bytes(model(x)) + 7 * 4 * 4


def test_several_inputs_shared_layers_and_layers_never_called() -> None:
    found = debug.summary(Pair(), [(4, 3), (5, 3)])
    whole, shared, idle = found.rows
    assert (shared.parameters, shared.flops) == (6, 2 * 4 * 2 * 3 + 2 * 5 * 2 * 3)
    assert whole.shape == "(4, 2), (5, 2)"
    assert whole.flops == 8  # the product with 2
    assert (idle.shape, idle.flops, idle.parameters) == ("", 0, 56)
    assert "(not called)" in str(found)


def test_frozen_and_tied_parameters() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    model[0].bias.requires_grad_(False)
    found = debug.summary(model, (1, 3))
    assert (found.parameters, found.trainable) == (9 + 3 + 3, 9 + 3)


def test_nothing_changes() -> None:
    model = nn.Sequential(convnet(), nn.Dropout(0.5))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    debug.summary(model, (4, 3, 8, 8))
    after = model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert not any(m._forward_hooks for m in model.modules())
    assert all(p.grad is None for p in model.parameters())
    drawn = torch.rand(3)
    torch.set_rng_state(state)
    assert torch.equal(drawn, torch.rand(3))


def test_the_table_is_lined_up() -> None:
    lines = str(debug.summary(convnet(), (4, 3, 8, 8))).split("\n")
    assert len({len(line) for line in lines[1:2] + [n for n in lines if n.startswith("─")]}) == 1
    end = lines[0].index("Parameters") + len("Parameters")
    assert lines[3][:end].endswith(" 224")
    assert lines[3].startswith("  0 Conv2d")


@pytest.mark.parametrize("size", [3, (2.0, 3.0), "ab"])
def test_sizes_that_are_none(size: object) -> None:
    with pytest.raises(TypeError, match="size must be a shape"):
        debug.summary(nn.Linear(3, 2), size)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="must be a Module, not function"):
        debug.summary(lambda x: x, (2, 3))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "0 "), (999, "999 "), (1000, "1.00 k"), (9_996, "10.0 k"), (99_960, "100 k"),
     (999_600, "1.00 M"), (12_345_678, "12.3 M"), (4.2e18, "4200 P")],
)  # fmt: skip
def test_numbers_of_three_digits(count: float, expected: str) -> None:
    assert text.scaled(count) == expected


def test_it_is_not_loaded_with_the_package() -> None:
    code = (
        "import sys, tinygrad_lite as t; t.ones(2).sum()\n"
        "assert not [m for m in sys.modules if m.startswith('tinygrad_lite.debug')]\n"
        "t.debug.draw; assert 'tinygrad_lite.debug' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_attention_and_recurrent_layers_count_their_products() -> None:
    rows = debug.summary(nn.LSTM(3, 5), (7, 2, 3)).rows  # 7 steps, batch 2
    gates = 7 * 2 * 4 * 5
    least = 2 * gates * (3 + 5)  # of the inputs and of the states
    assert least <= rows[0].flops <= least + 20 * gates
    whole = debug.summary(nn.MultiheadAttention(8, 2), [(6, 1, 8)] * 3)
    products = 4 * 2 * 6 * 8 * 8 + 2 * 2 * 6 * 6 * 8  # three ins and one out, q kᵀ and a v
    assert products <= whole.flops <= 1.3 * products
