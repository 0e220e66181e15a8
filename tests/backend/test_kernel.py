"""Kernels' registration: who offers what, and that a fast form is called as its definition is."""

from __future__ import annotations

import importlib
import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lite
from tests import strict
from tinygrad_lite.backend import Namespace, kernel, namespace_for
from tinygrad_lite.backend.plain import elementwise

ROOT = Path(tinygrad_lite.__file__).resolve().parent.parent

# What only a device with streams, memory and recordings of its own has.
OF_THE_DEVICE = frozenset(
    str.split(
        """asnumpy communicator current_device device_capability device_count device_name
        empty_cache event_is_past max_memory_reserved memory_allocated memory_reserved
        milliseconds_between new_event record_event recorder reset_peak_memory_stats synchronize
        wait_for_event"""
    )
)


def parameters(function: Any) -> list[tuple[str, Any]]:
    """Names and kinds, in order."""
    return [(p.name, p.kind) for p in inspect.signature(function).parameters.values()]


def test_devices_take_their_own_form_and_else_the_plain_one() -> None:
    strict.install()
    assert namespace_for("cpu").relu.__func__ is kernel.forms("relu")["cpu"]
    assert namespace_for("cpu").astype.__func__ is elementwise.astype
    assert namespace_for("strict").relu.__func__ is elementwise.relu
    assert Namespace("cuda", np, np.ndarray).relu.__func__ is kernel.forms("relu")["cuda"]
    assert Namespace("cuda", np, np.ndarray, "plain").relu.__func__ is elementwise.relu
    assert namespace_for("cpu").exp is np.exp


def test_a_look_up_is_kept() -> None:
    space = Namespace("cpu", np, np.ndarray)
    assert "relu" not in vars(space)
    assert space.relu is vars(space)["relu"]
    assert space.exp is vars(space)["exp"]


def test_a_namespace_lists_what_it_has() -> None:
    names = set(dir(namespace_for("cpu")))
    assert {"conv2d_algorithm", "exp", "sum", "library"} <= names
    assert "recorder" not in names


def test_a_name_that_nobody_has_says_where_kernels_are() -> None:
    with pytest.raises(AttributeError, match=r"cpu: no kernel.*backend/plain.*'conv9d'"):
        _ = namespace_for("cpu").conv9d


def test_a_second_kernel_of_a_name_is_refused() -> None:
    def relu(xp: Any, x: Any) -> Any:
        return x

    there = kernel.forms("relu")["cpu"]
    with pytest.raises(ValueError, match=r"cpu has a kernel relu in .*cpu\.elementwise.*test_ker"):
        kernel.kernel("cpu")(relu)
    assert kernel.forms("relu")["cpu"] is there


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_each_kernel_has_a_definition(device: str) -> None:
    defined = {*kernel.names("plain"), *dir(np), *OF_THE_DEVICE}
    assert kernel.names(device) - defined == set()


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_kernels_are_called_as_their_definitions_are(device: str) -> None:
    compared = 0
    for name in kernel.names(device) & kernel.names("plain"):
        forms = kernel.forms(name)
        ours, plain = (inspect.unwrap(forms[d], stop=_has_parameters) for d in (device, "plain"))
        assert parameters(ours) == parameters(plain), name
        compared += 1
    assert compared > 15


@pytest.mark.parametrize("device", ["plain", "cpu", "cuda"])
def test_kernels_say_where_they_are(device: str) -> None:
    places = {kernel.forms(name)[device].__module__ for name in kernel.names(device)}
    assert {place.rpartition(".")[0] for place in places} == {f"tinygrad_lite.backend.{device}"}


@pytest.mark.parametrize("device", ["plain", "cpu"])
def test_the_table_of_a_folder_is_true(device: str) -> None:
    room = importlib.import_module(f"tinygrad_lite.backend.{device}")
    for path in Path(str(room.__file__)).parent.glob("*.py"):
        importlib.import_module(
            f"{room.__name__}.{path.stem}" if path.stem[0] != "_" else room.__name__
        )
    registered = {
        name: forms[device].__module__
        for name in kernel.names(device)
        if device in (forms := kernel.forms(name))
    }
    assert registered == kernel.load(device)


def test_a_file_is_imported_when_its_kernel_is_asked_for() -> None:
    code = """
import sys
import tinygrad_lite as torch
there = lambda: "tinygrad_lite.backend.cpu.gru" in sys.modules
before = there(), "tinygrad_lite.backend.plain.recurrence" in sys.modules
torch.nn.GRU(2, 3)(torch.zeros(4, 1, 2))
print(*before, there())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "True"]


def _has_parameters(function: Any) -> bool:
    return not any(
        p.kind is p.VAR_POSITIONAL for p in inspect.signature(function).parameters.values()
    )


@pytest.fixture
def core(tmp_path: Path) -> Path:
    """A folder with the package without its fast kernels, and the examples."""
    leave_out = shutil.ignore_patterns("__pycache__", "cpu", "cuda")
    package = tmp_path / "tinygrad_lite"
    shutil.copytree(ROOT / "tinygrad_lite", package, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("cpu", "cuda"):
        shutil.rmtree(package / "backend" / folder)
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=leave_out)
    return tmp_path


def run(core: Path, *words: str) -> str:
    """What Python prints, run on that package alone."""
    env = {**os.environ, "PYTHONPATH": str(core), "TINYGRAD_LITE_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, *words], cwd=core, env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_core_trains_alone(core: Path) -> None:
    out = run(
        core, "examples/cifar_mlp.py", *["--max_steps", "2", "--eval_freq", "1", "--out", "out"]
    )
    assert (core / "out" / "checkpoint.npz").exists()
    assert "cpu" in out


ALONE = """
import tinygrad_lite as t
from tinygrad_lite import nn
from tinygrad_lite.backend import kernel
assert t.__file__.startswith({folder!r}), t.__file__
assert not kernel.names("cpu") and not kernel.names("cuda")

t.set_num_threads(3)
assert t.get_num_threads() == 3
t.set_conv_algorithm("winograd")
assert not t.cuda.is_available() and t.cuda.device_count() == 0
assert t.device("cuda").type == "cuda"
for use in (t.cuda.synchronize, lambda: t.zeros(1, device="cuda"), t.cuda.Event):
    try:
        use()
    except RuntimeError as error:
        assert "CUDA is not available: " in str(error) and "backend/cuda" in str(error), error
    else:
        raise AssertionError("no error")

model = nn.Sequential(
    nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
    nn.Linear(64, 5), nn.LayerNorm(5),
)
optimizer = t.optim.Adam(model.parameters())
x, y = t.randn(6, 3, 8, 8), t.arange(6) % 5
losses = []
for _ in range(20):
    optimizer.zero_grad()
    loss = nn.CrossEntropyLoss()(model(x), y)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
assert losses[-1] < losses[0], losses
t.save(model.state_dict(), "model.npz")
model.load_state_dict(t.load("model.npz"))
"""


def test_settings_and_other_layers_work_in_the_core_alone(core: Path) -> None:
    run(core, "-c", ALONE.format(folder=str(core)))
