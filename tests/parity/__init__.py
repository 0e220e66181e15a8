"""PyTorch beside this library: the same drawn calls on both, and whatever differs.

`call.py` states a call as data and runs it on either library, `compare.py` says how two outcomes
differ, `draw.py` draws arguments, `table_*.py` has one row for each public function, method and
operator, `programs.py` draws small programs of in-place changes and views. The tests are skipped
where PyTorch is not installed; `python -m tests.parity` surveys instead of stopping at the first
difference.
"""
