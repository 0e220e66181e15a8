"""Write the files of this folder with PyTorch: `python -m tests.torch_files.make` (2.13.0)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def values() -> dict[str, Any]:
    """What is in each file."""
    import torch

    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        model(torch.randn(4, 2)).square().sum().backward()
        optimizer.step()
    base = torch.arange(12.0).reshape(3, 4)
    z = torch.complex(base[0], base[1])
    parameter = torch.nn.Parameter(base.clone())
    parameter.note = "left out"  # type: ignore[attr-defined]
    kinds = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64")
    return {
        "run": {
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "epoch": 7,
            "history": [0.5, (1, None, True, "ü", 2**70)],
            "size": base.shape,
            "dtype": base.dtype,
            "device": base.device,
        },
        "views": {
            "base": base,
            "columns": base[:, 1:3],
            "transposed": base.t(),
            "step": base.flatten()[1::3],
            "one": base[2, 3],
            "expanded": base[:1, :1].expand(2, 5),
            "empty": base[:0],
        },
        "dtypes": {name: base.to(getattr(torch, name)) for name in kinds},
        "bfloat16": [base.bfloat16()],
        "complex": {
            "z": z,
            "conjugate": z.conj(),
            "negative": z.clone().conj().imag,
            "wide": torch.nn.Parameter(z.to(torch.complex128)),
        },
        "leaves": [torch.ones(2, requires_grad=True), parameter, {1, 2}],
    }


if __name__ == "__main__":
    import torch

    for name, value in values().items():
        torch.save(value, HERE / f"{name}.pt")
