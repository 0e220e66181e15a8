"""Single faults, by the rooms of the library; `python -m tests.mutation` plants them."""

from . import (
    calls,
    convolution,
    cpu,
    cuda,
    distributed,
    files,
    fronts,
    graph,
    layers,
    programs,
    rules,
    spectra,
    sums,
    tensors,
    tools,
)
from ._fault import Fault

FAULTS: list[Fault] = [
    *rules.FAULTS,
    *graph.FAULTS,
    *tensors.FAULTS,
    *spectra.FAULTS,
    *layers.FAULTS,
    *files.FAULTS,
    *distributed.FAULTS,
    *convolution.FAULTS,
    *cpu.FAULTS,
    *sums.FAULTS,
    *cuda.FAULTS,
    *tools.FAULTS,
    *fronts.FAULTS,
    *calls.FAULTS,
    *programs.FAULTS,
]
