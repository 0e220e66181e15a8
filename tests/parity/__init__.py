"""PyTorch beside this library: the same drawn calls on both, and whatever differs.

`call.py` states a call as data and runs it on either library, `compare.py` says how two outcomes
differ (also in second derivatives), `draw.py` draws arguments, `table_*.py` has one row for each
public function, method and operator (`table_names.py` those of in-place forms and second names;
`covered.py` finds what has none),
`programs.py` draws small programs of in-place changes and views. `experiment.py` tells what happens
with modules, losses, optimizers and schedulers step by step, on rows of their own
(`table_modules.py` has them all), and `signatures.py` compares how everything public is called.

What is found is mended and recorded in `tests/nn/beside/found.py`. The tests are skipped where
PyTorch is not installed; `python -m tests.parity` surveys instead of stopping at the first
difference.
"""
