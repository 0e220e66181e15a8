"""Layers and functions of `nn` beside PyTorch's: cases by subject, each run on both libraries.

A case builds the same thing from either package and is run on the same numbers. Where PyTorch is
missing its outcomes are read from `recorded.json`, which `python -m tests.nn.beside` writes.
"""
