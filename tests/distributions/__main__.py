"""Record what PyTorch's distributions say: `python -m tests.distributions`, with PyTorch 2.13."""

import json

import torch

from tests.distributions.cases import CASES
from tests.distributions.test_distributions import PATH, answers, plain

recorded = {name: {w: plain(v) for w, v in answers(torch, name)} for name in CASES}
lines = json.dumps(recorded, separators=(",", ":")).replace('}},"', '}},\n"')
PATH.write_text(lines.replace('},"', '},\n"') + "\n", encoding="utf-8")
