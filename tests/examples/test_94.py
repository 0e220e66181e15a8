"""The fast recipe: its views, its first layer, its average, captured steps and resumed runs."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tests import strict_graph
from tests.examples.test_resume import EXAMPLES, finish, same, start
from tinygrad_lite.data import ImageDataset, cifar10_sample

TINY = ["--width=0.03", "--batch_size=40", "--epochs=5", "--eval_freq=6", "--device=cpu"]


@pytest.fixture(autouse=True)
def examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))


def test_views_are_padded_cut_and_mirrored() -> None:
    from _augment import Reflected

    views, drawn = Reflected(6, 2, "cpu"), []
    draw = views._draw
    views._draw = lambda n: drawn.append(draw(n)) or drawn[-1]  # type: ignore[func-returns-value]
    torch.manual_seed(0)
    images = np.random.default_rng(0).normal(size=(40, 3, 6, 6)).astype(np.float32)
    mirrored = np.arange(40) % 3 == 0
    found = views(torch.from_numpy(images), torch.from_numpy(mirrored)).numpy()
    padded = np.pad(images, ((0, 0), (0, 0), (2, 2), (2, 2)), mode="reflect")
    downs, rights = (shift.numpy()[:, 0] + 2 for shift in drawn)
    assert {*downs} == {*rights} == {*range(5)}
    for i in range(40):
        cut = padded[i, :, downs[i] : downs[i] + 6, rights[i] : rights[i] + 6]
        if mirrored[i]:
            right = 4 - rights[i]
            cut = padded[i, :, downs[i] : downs[i] + 6, right : right + 6][:, :, ::-1]
        assert np.array_equal(found[i], cut)


def test_the_net_and_its_first_layer() -> None:
    from cifar_94 import build, whiten

    net = build()
    assert sum(p.numel() for p in net.parameters()) == 1_972_792
    x = torch.randn(2, 64, 5, 5)
    identity = net[7 - 1]  # the first group's second convolution
    assert np.allclose(identity(x).detach().numpy(), x.numpy(), atol=1e-6)
    images = cifar10_sample(seed=0).train.gather(np.arange(500))[0]
    images = images - images.mean(axis=(0, 2, 3), keepdims=True)
    whiten(net[0], images)
    y = net[0](torch.from_numpy(images)).detach().numpy()
    assert np.allclose(y[:, :12], -y[:, 12:], atol=1e-4)
    flat = y[:, :12].transpose(1, 0, 2, 3).reshape(12, -1).astype(np.float64)
    moments = flat @ flat.T / flat.shape[1]
    assert np.abs(moments - np.diag(np.diag(moments))).max() < 0.01
    assert (np.diff(np.diag(moments)) < 1e-3).all(), (
        "the largest first, ε costs the small ones most"
    )
    assert moments[0, 0] == pytest.approx(1, abs=0.01)


def test_slow_weights_draw_the_fast_ones_to_them() -> None:
    from _recipe import Lookahead

    net = torch.nn.BatchNorm1d(2)
    slow = Lookahead(net)
    with torch.no_grad():
        net.bias.fill_(8.0)
        net.num_batches_tracked.fill_(5)
    slow.update(0.75)
    assert net.bias.tolist() == [2.0, 2.0]
    with torch.no_grad():
        net.bias.fill_(0.0)
    slow.update(1.0)
    assert net.bias.tolist() == [2.0, 2.0]
    assert net.num_batches_tracked.item() == 5


def test_an_image_is_mirrored_every_other_time(tmp_path: Path) -> None:
    run = made(tmp_path, "cpu")
    seen = np.zeros((4, 80), bool)
    for epoch in range(4):
        for _ in range(2):
            rows, mirrored = (t.numpy() for t in run.draw())
            seen[epoch, rows] = mirrored
    assert np.array_equal(seen[0], ~seen[1])
    assert np.array_equal(seen[::2], seen[[0, 0]])
    assert np.array_equal(seen[1::2], seen[[1, 1]])
    assert 20 < seen[0].sum() < 60


def made(folder: Path, device: str, *flags: str, resume: bool = False, images: int = 80) -> Any:
    """A run on 80 images of the sample, or fewer."""
    import cifar_94
    from _recipe import prepare

    words = [f"--resume={folder}"] if resume else [*TINY, f"--out={folder}", *flags]
    args: argparse.Namespace = cifar_94.parse(words)
    data = cifar10_sample(seed=args.seed)
    train = ImageDataset(data.train.pixels[:images], data.train.labels[:images], data.mean_image, 0)
    data = prepare(args, dataclasses.replace(data, train=train))
    torch.manual_seed(args.seed)
    return cifar_94.Run94("cifar_94", cifar_94.build(args.width).to(device), data, args, device)


def test_captured_training_is_eager_training(tmp_path: Path) -> None:
    """Past the step where the first layer is frozen, where what was captured is captured anew."""
    found = {}
    with strict_graph.capturable():
        for way in ("--capture", "--no-capture"):
            run = made(tmp_path / way, "strict", way, "--batch_size=8", images=16)
            for _ in range(10):  # of 10; frozen after 6
                run.take_step()
                run.step += 1
            assert getattr(run.compute, "captured", False) == (way == "--capture")
            assert not run.model[0].bias.requires_grad
            found[way] = {name: t.cpu().numpy() for name, t in run.model.state_dict().items()}
            run.folder.release()
    assert same(found["--capture"], found["--no-capture"])


def test_a_stopped_run_goes_on_to_the_bit(tmp_path: Path) -> None:
    """Past the step where the first layer is frozen, and between two steps of the slow weights."""

    def steps(run: Any, count: int) -> Any:
        for _ in range(count):
            run.take_step()
            run.step += 1
        run.write()
        run.folder.release()
        return torch.load(run.checkpoint)

    whole = steps(made(tmp_path / "whole", "cpu"), 9)
    steps(made(tmp_path / "parts", "cpu"), 7)
    torch.manual_seed(99)
    parts = steps(made(tmp_path / "parts", "cpu", resume=True), 2)
    for state in (whole, parts):
        del state["seconds"], state["flags"]
    assert same(whole, parts)
    assert not np.array_equal(*(whole[key]["2.weight"].numpy() for key in ("model", "lookahead")))


def test_seeds_make_a_run_each(tmp_path: Path) -> None:
    flags = [*TINY, "--batch_size=50", "--max_steps=1", "--seeds", "3", "4", "--out=both"]
    out, _ = finish(start("cifar_94.py", tmp_path, *flags))
    found = [
        json.loads((tmp_path / f"both/seed-{seed}/summary.json").read_text()) for seed in (3, 4)
    ]
    accuracies = [summary["final_test_accuracy"] for summary in found]
    assert [summary["seed"] for summary in found] == [3, 4]
    assert f"mean  {np.mean(accuracies):13.4f}" in out
    again, _ = finish(start("cifar_94.py", tmp_path, *flags[:-1], "--resume=both"))
    assert f"mean  {np.mean(accuracies):13.4f}" in again
