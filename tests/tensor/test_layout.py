"""The order in which PyTorch's results lie, as it was read off PyTorch 2.13."""

from __future__ import annotations

import pytest

import tinygrad_lite as torch
from tinygrad_lite import Tensor
from tinygrad_lite.nn import functional as F
from tinygrad_lite.tensor.layout import are_rows, iterated, theirs


@pytest.mark.parametrize(
    ("shape", "operands", "expected"),
    [
        ((3, 4), [(0, 1), (1, 3)], (1, 3)),
        ((3, 4, 2), [(4, 1, 12), (8, 2, 1)], (4, 1, 12)),
        ((3, 2, 4), [(1, 0, 3), (8, 4, 1)], (8, 4, 1)),
        ((3, 2), [(1, 6)], (1, 3)),
        ((2, 3), [], (3, 1)),
    ],
)
def test_results_lie_as_the_first_operand_that_says(
    shape: tuple[int, ...], operands: list[tuple[int, ...]], expected: tuple[int, ...]
) -> None:
    assert iterated(shape, operands, 1) == expected


def _image() -> Tensor:
    return F.conv2d(torch.ones(2, 3, 4, 4), torch.ones(5, 3, 2, 2))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda y: y, (45, 9, 3, 1)),
        (lambda y: y[:, 1:], (45, 9, 3, 1)),
        (lambda y: y.transpose(0, 1), (9, 45, 3, 1)),
        (lambda y: y.transpose(0, 1).relu(), (9, 45, 3, 1)),
        (lambda y: y.permute(0, 2, 3, 1).detach() * 2, (45, 3, 1, 9)),
        (lambda y: y.permute(0, 2, 3, 1).flip(1), (45, 3, 1, 9)),
        (lambda y: y.transpose(2, 3).masked_fill(y.transpose(2, 3) > 0, 0.0), (45, 9, 3, 1)),
        (lambda y: y[:, ::2] / 2, (27, 9, 3, 1)),
        (lambda y: torch.where(y.transpose(2, 3) > 0, 1.0, y.transpose(2, 3)), (45, 9, 1, 3)),
        (lambda y: y.flatten(2), (45, 9, 1)),
        (lambda y: y.diagonal(0, 2, 3), (45, 9, 4)),
        (lambda y: y.data.view(-1)[3:], (1,)),
        (lambda y: y.view(torch.int32).mT, (45, 9, 1, 3)),
    ],
)
def test_strides_that_a_tensor_would_have(make: object, expected: tuple[int, ...]) -> None:
    made = make(_image())  # type: ignore[operator]
    found = theirs(made)
    assert found is not None
    assert tuple(step // made.array.itemsize for step in found) == expected


def test_of_elements_without_gaps() -> None:
    assert are_rows((2, 1, 3), (12, 0, 4), 4)
    assert not are_rows((2, 3), (16, 4), 4)


def _matrix() -> Tensor:
    return torch.tensor([[4.0, 1.0, 0.5], [1.0, 3.0, 0.25], [0.5, 0.25, 2.0]])


COLUMNS = {
    "inv": lambda a: torch.linalg.inv(a),
    "cholesky": lambda a: torch.linalg.cholesky(a),
    "upper cholesky": lambda a: torch.linalg.cholesky(a, upper=True),
    "solve": lambda a: torch.linalg.solve(a, a[:, :2]),
    "qr": lambda a: torch.linalg.qr(a[:, :2]).Q,
    "r": lambda a: torch.linalg.qr(a[:2]).R,
    "eigh": lambda a: torch.linalg.eigh(a).eigenvectors,
    "svd": lambda a: torch.linalg.svd(a).U,
    "lu": lambda a: torch.linalg.lu_factor(a).LU,
    "lstsq": lambda a: torch.linalg.lstsq(a, a).solution,
    "inv_ex": lambda a: torch.linalg.inv_ex(a).inverse,
    "geqrf": lambda a: torch.geqrf(a).a,
    "nonzero": lambda a: a.nonzero(),
    "a batch": lambda a: torch.linalg.inv(torch.stack([a, a])),
    "sort": lambda a: a.t().sort(0).values,
    "argsort": lambda a: a.t().argsort(0),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_what_lies_in_columns_is_copied_to_be_a_row(name: str) -> None:
    made = COLUMNS[name](_matrix())
    before = made.tolist()
    for copied in (made.reshape(-1), made.flatten(), made.contiguous()):
        copied.zero_()
        assert made.tolist() == before
    made.mT.reshape(*made.shape[:-2], -1).zero_()
    assert not made.any()


def test_what_lies_in_rows_is_not() -> None:
    a = _matrix()
    values = torch.linalg.eigh(torch.stack([a, a])).eigenvalues
    for made in (torch.linalg.lu(a).L, torch.linalg.svd(a).S, torch.linalg.pinv(a), values):
        made.reshape(-1).zero_()
        assert not made.any()
