"""Stands for Matplotlib in front of a process's path: its figures stay blank.

The pictures of a run take ten times what its few steps take. `test_predict.py` looks at
what is drawn, and some processes draw with Matplotlib itself.
"""
