"""Complex parameters are updated as their parts; what optimizers can't do that say so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch

OPTIONS: dict[str, list[dict[str, Any]]] = {
    "SGD": [{"lr": 0.1}, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}],
    "Adam": [{}, {"amsgrad": True, "weight_decay": 0.1, "maximize": True}],
    "AdamW": [{}],
    "RMSprop": [{}, {"centered": True, "momentum": 0.9}],
    "Adadelta": [{}],
    "Adamax": [{}],
    "NAdam": [{}],
    "RAdam": [{}],
}
CASES = [(name, options) for name, several in OPTIONS.items() for options in several]
START = np.array([[1 + 2j, -0.5j, 3], [0.25 - 1j, 2 + 0j, -1 - 1j]], dtype="complex64")


def steps(parts: bool, name: str, options: dict[str, Any]) -> Any:
    """A parameter after some steps: a complex one, or the same as real parts."""
    start = torch.tensor(START)
    p = torch.nn.Parameter(torch.view_as_real(start) if parts else start)
    optimizer = getattr(torch.optim, name)([p], **options)
    for k in range(4):
        optimizer.zero_grad()
        z: Any = torch.view_as_complex(p) if parts else p
        ((z - 1j).abs() ** 3).sum().backward()
        optimizer.step()
        if k == 1:
            optimizer.load_state_dict(optimizer.state_dict())
    return z.detach().numpy()


@pytest.mark.parametrize(("name", "options"), CASES)
def test_as_the_parts(name: str, options: dict[str, Any]) -> None:
    wanted = steps(True, name, options)
    assert not np.allclose(wanted, START)
    np.testing.assert_allclose(steps(False, name, options), wanted, rtol=1e-6)


@pytest.mark.parametrize("name", ["Adagrad", "ASGD", "Rprop", "Adafactor", "Muon"])
def test_others_refuse(name: str) -> None:
    p = torch.nn.Parameter(torch.tensor(START))
    optimizer = getattr(torch.optim, name)([p])
    p.abs().sum().backward()
    with pytest.raises(NotImplementedError, match=f"{name}: does not support complex parameters"):
        optimizer.step()
    np.testing.assert_array_equal(p.detach().numpy(), START)


def test_lbfgs_refuses() -> None:
    p = torch.nn.Parameter(torch.tensor(START))
    optimizer = torch.optim.LBFGS([p])

    def closure() -> Any:
        optimizer.zero_grad()
        loss = p.abs().sum()
        loss.backward()
        return loss

    with pytest.raises(NotImplementedError, match="complex"):
        optimizer.step(closure)
