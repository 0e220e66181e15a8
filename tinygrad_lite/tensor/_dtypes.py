"""PyTorch's names of dtypes, which are NumPy's dtypes, and constants."""

import math

from ..backend import numpy

__all__ = [
    "bool",
    "double",
    "e",
    "float",
    "float16",
    "float32",
    "float64",
    "half",
    "inf",
    "int",
    "int16",
    "int32",
    "int64",
    "int8",
    "long",
    "nan",
    "newaxis",
    "pi",
    "short",
    "uint8",
]

float16 = half = numpy.dtype("float16")
float32 = float = numpy.dtype("float32")
float64 = double = numpy.dtype("float64")
uint8 = numpy.dtype("uint8")
int8 = numpy.dtype("int8")
int16 = short = numpy.dtype("int16")
int32 = int = numpy.dtype("int32")
int64 = long = numpy.dtype("int64")
bool = numpy.dtype("bool")

inf, nan, pi, e = math.inf, math.nan, math.pi, math.e
newaxis = None
