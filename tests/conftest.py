"""What all tests share: hypothesis profiles, the devices, and a watch on global state.

`HYPOTHESIS_PROFILE=thorough` (or pytest's `--hypothesis-profile thorough`) draws many fresh
examples; the default, `ci`, draws a few and the same ones every time. `-m gpu` and
`-m 'not gpu'` choose tests by what they need, `--device cuda` (or cpu, strict) those of a device.
`-m quick` is about two minutes for while one works.
`--device emulated` runs those of `strict` with CUDA's kernels, on the host (`tests/cuda_host`),
`-p tests.cupy_host.plugin -m gpu` those of `cuda` with CuPy itself on an emulated CUDA.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

import tinygrad_lite
from tests import strict
from tests.cuda_host import keep_compiled
from tests.cuda_host.device import emulated
from tinygrad_lite.backend import precision, why_unavailable
from tinygrad_lite.graph import mode
from tinygrad_lite.tensor import anomaly, subclass

# `device` is the same for all examples of one test, and a slow machine is no failure.
_COMMON: dict[str, Any] = {
    "deadline": None,
    "print_blob": True,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}
settings.register_profile("ci", max_examples=25, derandomize=True, database=None, **_COMMON)
settings.register_profile("thorough", max_examples=300, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


DEVICES = ("cpu", "strict", "cuda", "emulated")


@pytest.fixture(params=["cpu", "strict", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each device in turn, by name. `strict` is NumPy held to what CuPy can do.

    On CUDA convolutions keep to float32 here: the tolerances are float32's, not TF32's.
    """
    name: str = request.param
    if name == "strict":
        strict.install()
    if name == "cuda" and not tinygrad_lite.cuda.is_available():
        pytest.skip("needs a CUDA GPU: tinygrad_lite.cuda.is_available() is False")
    before = precision.conv_tf32()
    precision.set_conv_tf32(False)
    if request.config.getoption("--device") == "emulated":
        with emulated():
            yield name
    else:
        yield name
    precision.set_conv_tf32(before)


class State(NamedTuple):
    """A global setting: what it is called, how to read it and how to put it back."""

    name: str
    read: Callable[[], Any]
    restore: Callable[[Any], Any]


STATES = (
    State("grad mode", tinygrad_lite.is_grad_enabled, tinygrad_lite.set_grad_enabled),
    State("anomaly mode", lambda: anomaly.watch, lambda saved: setattr(anomaly, "watch", saved)),
    State("autocast", lambda: mode.cast, lambda saved: setattr(mode, "cast", saved)),
    State("default dtype", tinygrad_lite.get_default_dtype, tinygrad_lite.set_default_dtype),
    State("NumPy's error handling", np.geterr, lambda saved: np.seterr(**saved)),
)


@pytest.fixture(autouse=True)
def global_state() -> Iterator[None]:
    """Start each test from the same seed, and fail one that leaves a setting changed."""
    tinygrad_lite.manual_seed(0)
    before = [state.read() for state in STATES]
    yield
    leaked = []
    for state, old in zip(STATES, before, strict=True):
        new = state.read()
        if new != old:
            state.restore(old)
            leaked.append(f"{state.name} was {old} and is now {new}")
    if leaked:
        pytest.fail("the test leaks global state: " + "; ".join(leaked), pytrace=False)


_OWN_SETTINGS: dict[Any, Any] = {}  # of each hypothesis test, as it was written


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Give a hypothesis test its own settings back.

    Hypothesis's plugin wraps them once more for each parameter, and looks a setting up through all
    wraps: after some 950 parameters of one test Python's stack is full.
    """
    function = getattr(item, "function", None)
    settings_of_test = getattr(function, "_hypothesis_internal_use_settings", None)
    if settings_of_test is not None:
        own = _OWN_SETTINGS.setdefault(function, settings_of_test)
        function._hypothesis_internal_use_settings = own  # type: ignore[union-attr]


def pytest_configure(config: pytest.Config) -> None:
    """Let the processes of a run, and the runs to come, share what compilers made.

    Where Python is told to write no bytecode, each process that a test starts would compile the
    package anew, and each of pytest's the tests, with assertions that explain themselves, which
    takes seconds: it goes where the kernels go, or into a folder that goes with the run.
    """
    cache = getattr(config, "cache", None)  # None: `-p no:cacheprovider`
    if cache is not None:
        keep_compiled(cache.mkdir("kernels"))
        os.environ.setdefault("MPLCONFIGDIR", str(cache.mkdir("matplotlib")))  # which lists fonts
    if sys.dont_write_bytecode and "PYTHONPYCACHEPREFIX" not in os.environ:
        if cache is None:
            folder = tempfile.TemporaryDirectory(prefix="tinygrad_lite-bytecode-")
            config.add_cleanup(folder.cleanup)
            prefix = folder.name
        else:
            prefix = str(cache.mkdir("bytecode"))
        os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = prefix
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        sys.dont_write_bytecode = False


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--device` chooses tests."""
    parser.addoption(
        "--device", choices=DEVICES, default=None, help="run only the tests on this device"
    )


def _runs_on(item: pytest.Item, device: str) -> bool:
    """Whether a test is one of a device: by its parameter, or by the mark `gpu`."""
    callspec = getattr(item, "callspec", None)
    on = None if callspec is None else callspec.params.get("device")
    device = "strict" if device == "emulated" else device
    return on == device or (device == "cuda" and item.get_closest_marker("gpu") is not None)


# What `-m quick` leaves out: kernels run through a compiler, processes, and the broad sweeps.
LONG = """amp/test_grad_scaler backend/test_cuda backend/test_cupy backend/test_spread
backend/test_sums backend/test_threads benchmarks cuda data/test_archives data/test_download
data/test_npm engine/test_walk examples files ops/test_devices ops/test_memory ops/test_values
parity ports tensor/test_half test_checkpoint test_serialization test_states""".split()


def _is_quick(item: pytest.Item) -> bool:
    """Whether a test belongs to `-m quick`: on the CPU alone, and in no file of LONG."""
    callspec = getattr(item, "callspec", None)
    on = None if callspec is None else callspec.params.get("device")
    place = item.nodeid.removeprefix("tests/")
    return on in (None, "cpu") and not place.startswith(tuple(LONG))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what `--device` does not name.

    Without a GPU also leave its tests out, unless `-m` names them: they would bury the rest.
    """
    for item in items:
        if _is_quick(item):
            item.add_marker("quick")
    device = config.getoption("--device")
    if device == "cuda" and (reason := why_unavailable("cuda")) is not None:
        raise pytest.UsageError(f"--device cuda: {reason}")
    if device is not None:
        config.hook.pytest_deselected(items=[i for i in items if not _runs_on(i, device)])
        items[:] = [item for item in items if _runs_on(item, device)]
    if tinygrad_lite.cuda.is_available() or "gpu" in config.getoption("-m"):
        return
    chosen: list[pytest.Item] = []
    gpu: list[pytest.Item] = []
    for item in items:
        (chosen if item.get_closest_marker("gpu") is None else gpu).append(item)
    if gpu:
        config.hook.pytest_deselected(items=gpu)
        items[:] = chosen


@pytest.fixture(autouse=True)
def _functions_as_they_were() -> Iterator[None]:
    """Take away what a class derived from `Tensor` has functions and methods ask first."""
    yield
    if not subclass._watch_modules.cache_info().currsize:
        return
    owner: Any = tinygrad_lite.Tensor
    for name, value in [*vars(owner).items()]:
        function = getattr(value, "fget", value)
        if getattr(getattr(function, "__code__", None), "co_filename", "") == subclass.__file__:
            delattr(owner, name)
            old = function.__wrapped__
            old = old if function is value else property(old, value.fset)
            if getattr(owner, name, None) is not old:
                setattr(owner, name, old)
    subclass._watch_methods.cache_clear()
    for path in subclass._MODULES:
        scope = vars(sys.modules[subclass.PACKAGE + path])
        for name, value in [*scope.items()]:
            code = getattr(value, "__code__", None)
            if code is not None and code.co_filename == subclass.__file__:
                scope[name] = value.__wrapped__
    subclass._watch_modules.cache_clear()
