"""Inversions and distances of distributions, against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.fidelity.latency import difference, kolmogorov_smirnov, wasserstein_factor
from smbench.fidelity.order import inversions

samples = st.lists(st.integers(1, 10**9), min_size=1, max_size=60).map(lambda values: np.array(values))


@given(st.lists(st.integers(0, 300), max_size=300))
def test_inversions_are_the_pairs_the_other_way_round(values: list[int]) -> None:
    slow = sum(a > b for at, a in enumerate(values) for b in values[at + 1 :])
    assert inversions(np.array(values, np.int64)) == slow


@given(samples)
def test_a_sample_lies_nowhere_but_where_it_is(sample: np.ndarray) -> None:
    same = difference(sample, sample[::-1])
    assert same.distance == 0
    assert same.factor == pytest.approx(1)
    assert set(same.ratios.values()) == {1.0}


@given(samples, st.integers(2, 50))
def test_what_is_n_times_as_slow_lies_n_apart(sample: np.ndarray, times: int) -> None:
    assert wasserstein_factor(sample, sample * times) == pytest.approx(times)
    assert difference(sample, sample * times).ratios["p50"] == pytest.approx(times)


@given(samples, samples)
def test_distances_go_both_ways_and_stay_in_their_range(one: np.ndarray, other: np.ndarray) -> None:
    assert 0 <= kolmogorov_smirnov(one, other) <= 1
    assert kolmogorov_smirnov(one, other) == pytest.approx(kolmogorov_smirnov(other, one))
    assert wasserstein_factor(one, other) >= 1 - 1e-12
    shares = [
        np.mean(sample[None, :] <= np.concatenate((one, other))[:, None], axis=1) for sample in (one, other)
    ]
    assert kolmogorov_smirnov(one, other) == pytest.approx(np.abs(shares[0] - shares[1]).max())


def test_a_side_without_answers_has_no_ratio() -> None:
    nothing = difference(np.array([], np.int64), np.array([5, 7]))
    assert nothing.percentiles_ns["p50"] == (None, 5)
    assert nothing.ratios["p50"] is None
    assert nothing.distance is None
