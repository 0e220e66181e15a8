"""Two processes that train together, begun by `mpiexec`."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_lite as torch
from tests.distributed import ranks
from tests.examples.test_mlp import ROOT, environment
from tests.examples.test_resume import finish, results, same, start

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


def test_from_rank_to_rank_and_parts(tmp_path: Path) -> None:
    assert does("exchanges", tmp_path / "none") == ""


def test_groups_of_some_ranks(tmp_path: Path) -> None:
    assert does("groups", tmp_path / "none") == ""


@pytest.mark.parametrize(
    ("name", "norm", "limit"), [("plain", False, 1e-6), ("normed", True, 1e-5)]
)
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


def test_parameters_without_a_gradient_are_looked_for(tmp_path: Path) -> None:
    does("branches", tmp_path / "none")


def test_a_rank_that_is_killed_ends_the_others(tmp_path: Path) -> None:
    said = does("killed", tmp_path / "none", status=1)
    assert "Killed" in said
    assert "has waited for" not in said, "they ended with it, not with their patience of 120 s"


def test_an_exception_ends_all_ranks(tmp_path: Path) -> None:
    assert "ValueError: of rank 1" in does("raising", tmp_path / "none", status=1)


def test_a_rank_that_does_not_come_is_not_waited_for_without_end(tmp_path: Path) -> None:
    out = does("missing", tmp_path / "said", status=1)
    said = (tmp_path / "said").read_text()
    assert "barrier: rank 0 of 2 has waited for 3 s" in said
    assert said in out


ALONE = """
import os
from tinygrad_lite import distributed as dist
for words, message in (
    ({"backend": "ucc"}, "backend must be mpi (or gloo, for it) or nccl"),
    ({"backend": "mpi", "init_method": "tcp://127.0.0.1:1"}, "mpiexec begins the processes"),
    ({"backend": "gloo", "world_size": 2}, "world_size is 1, not 2"),
    ({"backend": "gloo"}, "WORLD_SIZE is 4, but MPI knows of this process alone; begin them with "
                          "mpiexec -n 4"),
):
    os.environ["WORLD_SIZE"] = "4" if len(words) == 1 else "1"
    try:
        dist.init_process_group(**words)
    except ValueError as error:
        assert message in str(error), error
    else:
        raise AssertionError(words)
os.environ["WORLD_SIZE"] = "1"
dist.init_process_group("gloo", rank=0, device_id=None)
assert (dist.get_backend(), dist.get_world_size()) == ("mpi", 1)
assert (dist.is_gloo_available(), dist.is_torchelastic_launched()) == (True, False)
for name in ("MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK", "LOCAL_RANK"):
    os.environ.pop(name, None)
assert dist.get_node_local_rank(7) == 7
os.environ["LOCAL_RANK"] = "3"
assert dist.get_node_local_rank() == 3
"""


def test_programs_for_other_launchers_are_told_so(tmp_path: Path) -> None:
    """`torchrun` says how many there are in the environment, where MPI knows of one."""
    env = environment(tmp_path) | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", ALONE], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


CNN = [str(ROOT / "examples/cifar_cnn.py"), "--distributed", "--net=small", "--batch_size=8",
       "--eval_freq=3", "--device=cpu"]  # fmt: skip


def test_the_example_trains_as_one_process_does(tmp_path: Path) -> None:
    # With some seeds a rounding of 1e-7 decides on which side of 0 a ReLU's pixel is.
    flags = ["--max_steps=3", "--optimizer=sgd", "--momentum=0.9", "--learning_rate=0.02"]
    flags.append("--seed=1")
    run(tmp_path, *CNN, *flags, "--out=two")
    alone = [flag for flag in CNN if flag != "--distributed"]
    finish(start("cifar_cnn.py", tmp_path, *alone[1:], *flags, "--out=one"))
    two, one = (torch.load(tmp_path / name / "checkpoint.npz") for name in ("two", "one"))
    assert two["rows"][-1]["train_loss"] == pytest.approx(one["rows"][-1]["train_loss"], rel=1e-5)
    for name, wanted in one["model"].items():
        np.testing.assert_allclose(two["model"][name].numpy(), wanted.numpy(), atol=1e-5, rtol=1e-4)
    assert same(two["train"], one["train"]), "the whole batches are taken from the set"


def test_a_distributed_run_goes_on_to_the_bit(tmp_path: Path) -> None:
    """Dropout and views differ from rank to rank, and the checkpoint knows of both."""
    flags = [*CNN, "--dropout=0.3", "--augment", "--eval_freq=2"]
    run(tmp_path, *flags, "--max_steps=4", "--out=whole")
    run(tmp_path, *flags, "--max_steps=2", "--out=parts")
    run(tmp_path, CNN[0], "--distributed", "--max_steps=4", "--resume=parts")
    whole, parts = results(tmp_path / "whole"), results(tmp_path / "parts")
    assert not same(*whole["ranks"])
    assert same(whole, parts)
    assert sorted(p.name for p in (tmp_path / "whole").iterdir()) == sorted(
        p.name for p in (tmp_path / "parts").iterdir()
    )
    alone = start(CNN[0].rpartition("/")[2], tmp_path, "--resume=parts", "--max_steps=9")
    assert "the run has 2 ranks, but here are 1" in finish(alone, 2)[1]
