"""Two processes that train together, begun by `mpiexec`."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.distributed import ranks
from tests.examples.test_mlp import ROOT, environment

MPIEXEC = shutil.which("mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent),
                                                        os.environ["PATH"]]))  # fmt: skip
pytestmark = pytest.mark.skipif(
    MPIEXEC is None or importlib.util.find_spec("mpi4py") is None,
    reason="needs mpi4py and mpiexec: pip install '.[distributed]'",
)


def run(tmp_path: Path, *command: str, status: int = 0) -> str:
    """What two ranks print; the exit status is 0, or with `status` another."""
    env = environment(tmp_path) | {"TINYGRAD_LITE_NUM_THREADS": "1"}
    env["PYTHONPATH"] = os.pathsep.join([str(ROOT), env.get("PYTHONPATH", "")])
    assert MPIEXEC is not None
    done = subprocess.run(
        [MPIEXEC, "-n", "2", sys.executable, *command],
        cwd=tmp_path, env=env, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert (done.returncode != 0) == (status != 0), done.stdout + done.stderr
    return done.stdout + done.stderr


def does(name: str, out: Path, status: int = 0) -> str:
    return run(out.parent, "-m", "tests.distributed.ranks", name, str(out), status=status)


def test_each_operation_on_each_kind_of_numbers(tmp_path: Path) -> None:
    assert does("collectives", tmp_path / "none") == ""


@pytest.mark.parametrize(("name", "norm", "limit"), [("plain", False, 1e-6), ("normed", True, 1e-5)])
def test_half_batches_give_the_weights_of_one_process(
    name: str, norm: bool, limit: float, tmp_path: Path
) -> None:
    does(name, tmp_path / "weights.npz")
    alone = ranks.net(norm)
    before = {key: t.numpy().copy() for key, t in alone.state_dict().items()}
    ranks.train(alone, 0, 1)
    found = np.load(tmp_path / "weights.npz")
    for key, wanted in alone.state_dict().items():
        np.testing.assert_allclose(found[key], wanted.numpy(), atol=limit, rtol=1e-5)
        if "weight" in key:
            assert np.abs(found[key] - before[key]).max() > 1e-2


def test_parameters_without_a_gradient_and_steps_without_talk(tmp_path: Path) -> None:
    does("unused", tmp_path / "none")


def test_a_rank_that_is_killed_ends_the_others(tmp_path: Path) -> None:
    start = time.monotonic()
    assert "Killed" in does("killed", tmp_path / "none", status=1)
    assert time.monotonic() - start < 60


def test_an_exception_ends_all_ranks(tmp_path: Path) -> None:
    assert "ValueError: of rank 1" in does("raising", tmp_path / "none", status=1)


def test_a_rank_that_does_not_come_is_not_waited_for_without_end(tmp_path: Path) -> None:
    out = does("missing", tmp_path / "said", status=1)
    said = (tmp_path / "said").read_text()
    assert "barrier: rank 0 of 2 has waited for 3 s" in said
    assert said in out
