"""Faults of several processes."""

from ._fault import faults

RANKS = "distributed/test_ranks.py -k 'not example and not run_goes'"

FAULTS = [
    *faults(
        "tinygrad_lite/nn/distributed.py",
        RANKS,
        ("0 if param.grad is None else param.grad.array", "param.grad.array"),
        ("            if id(param) in without:\n                continue\n", ""),
        ("        self._used.add(id(param))\n        if not", "        if not"),
        ("        self._sent = 0\n        self._used = set()\n", "        self._sent = 0\n"),
        ("            if len(self._unused) == len(self._params):", "            if False:"),
        ("        elif isinstance(value, Mapping):\n            stack += value.values()\n", ""),
        ("broadcast(tensor.detach(), group.ranks[0], group)", "pass"),
        ("self.flat *= 1 / size", "pass"),
    ),
    *faults(
        "tinygrad_lite/distributed/group.py",
        RANKS,
        ("members = sorted(members) if sort_ranks else members", "members = sorted(members)"),
        (
            "mpi = world.mpi.part(members, limit)",
            "mpi = world.mpi.part([*range(world.size)], limit)",
        ),
        ("    if mpi.size == 1 and said.isdecimal() and int(said) > 1:", "    if False:"),
    ),
    *faults(
        "tinygrad_lite/distributed/exchange.py",
        RANKS,
        ("[found.rank]\n    work", "[0]\n    work"),
        ("        if rank != found.rank\n", ""),
        ("    if found == group.rank:\n", "    if False:\n"),
    ),
    *faults(
        "tinygrad_lite/distributed/objects.py",
        RANKS,
        ("object_list[:] = pickle.loads(array.tobytes())", "pickle.loads(array.tobytes())"),
    ),
    *faults(
        "tinygrad_lite/distributed/collectives.py",
        RANKS,
        ("    return group.ranks.index(rank)", "    return rank"),
    ),
    *faults(
        "tinygrad_lite/engine.py",
        "tensor/test_hooks.py",
        ("found.get(parent, 0) + 1", "1"),
        ("            if uses[node] == 0:", "            if False:"),
        (
            "        if uses and node not in grads:  # a leaf that had its turn\n            continue\n",
            "",
        ),
    ),
]
