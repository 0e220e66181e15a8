"""BlockSampler: each sample once and near its block, in orders that have a seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_lite.data import BlockSampler


@given(
    count=st.integers(1, 60), block=st.integers(1, 9), buffer=st.integers(1, 5),
    ranks=st.integers(1, 4), drop=st.booleans(),
)  # fmt: skip
def test_each_sample_comes_once_and_near_its_block(
    count: int, block: int, buffer: int, ranks: int, drop: bool
) -> None:
    shares = []
    for rank in range(ranks):
        sampler = BlockSampler(
            range(count), block, buffer, seed=3, num_replicas=ranks, rank=rank, drop_last=drop
        )
        share = list(sampler)
        assert len(share) == len(sampler) == (count // ranks if drop else -(-count // ranks))
        shares.append(share)
    order = [index for share in shares for index in share]
    if drop:
        assert len({*order}) == len(order)
    else:
        assert {*order} == {*range(count)}
    assert len({len(share) for share in shares}) == 1
    alone = list(BlockSampler(range(count), block, buffer, num_replicas=1, rank=0))
    assert sorted(alone) == [*range(count)]
    for i in range(0, count - count % block, block):  # in whole blocks, buffer by buffer
        assert len({index // block for index in alone[i : i + block]}) <= buffer + 1


def test_the_first_ones_of_the_order_fill_the_last_share() -> None:
    words = {"block_size": 1, "buffer_blocks": 1, "seed": 4}
    alone = list(BlockSampler(range(7), num_replicas=1, rank=0, **words))
    shares = [list(BlockSampler(range(7), num_replicas=5, rank=r, **words)) for r in range(5)]
    assert [index for share in shares for index in share] == alone + alone[:3]


def test_orders_are_random_and_seeded() -> None:
    def order(seed: int, epoch: int) -> np.ndarray[Any, Any]:
        sampler = BlockSampler(range(4000), 50, 20, seed)
        sampler.set_epoch(epoch)
        return np.array(list(sampler))

    sampler = BlockSampler(range(4000), 50, 20, seed=1)
    first, second = np.array(list(sampler)), np.array(list(sampler))
    np.testing.assert_array_equal(first, order(1, 0))
    np.testing.assert_array_equal(second, order(1, 1))
    different = [first, second, order(2, 0), order(0, 1), order(-1, 0)]
    place = np.arange(4000)
    for i, one in enumerate(different):
        assert abs(np.corrcoef(place, one)[0, 1]) < 0.4  # of 80 blocks: 0.11 is usual
        # In a batch of 50 from 20 blocks of 80 about 18 of them are met; one alone would be sorted.
        blocks = [len({*(one[j : j + 50] // 50)}) for j in range(0, 4000, 50)]
        assert 16 < np.mean(blocks) <= 20
        within = one[:1000][one[:1000] // 50 == one[0] // 50]
        assert len(within) == 50
        assert np.mean(np.diff(within) > 0) < 0.75
        for other in different[:i]:
            assert np.mean(one == other) < 0.01


def test_the_source_is_told_of_blocks_ahead() -> None:
    class Source:
        block_size = 2

        def __init__(self) -> None:
            self.told: list[int] = []

        def __len__(self) -> int:
            return 12

        def will_need(self, block: int) -> None:
            self.told.append(block)

    source = Source()
    walk = iter(BlockSampler(source, buffer_blocks=2))
    first = [next(walk) for _ in range(4)]
    assert {index // 2 for index in first} == {*source.told[:2]}
    assert len(source.told) == 4, "those of the next buffer are on their way"
    rest = list(walk)
    assert len(source.told) == 6
    assert {index // 2 for index in rest[:4]} == {*source.told[2:4]}


def test_what_a_block_sampler_refuses() -> None:
    with pytest.raises(TypeError, match="range has no block_size"):
        BlockSampler(range(3))
    for words in ({"block_size": 0}, {"block_size": 2, "buffer_blocks": 1.5}):
        with pytest.raises(ValueError, match="should be a positive integer"):
            BlockSampler(range(3), **words)
    with pytest.raises(ValueError, match=r"Invalid rank 2, .* interval \[0, 1\]"):
        BlockSampler(range(3), 1, num_replicas=2, rank=2)


def test_a_sampler_goes_on_with_the_seed_of_its_state() -> None:
    one, other = (BlockSampler(range(40), 4, 2, seed=seed) for seed in (1, 2))
    list(one)
    state = one.state_dict()
    wanted = list(one)
    other.load_state_dict(state)
    assert list(other) == wanted
