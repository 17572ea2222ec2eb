"""Charts: axes that are read easily, points where they belong, nothing that breaks the page."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.report.charts import (
    Series,
    bar_pair,
    gauge,
    line_chart,
    linear_axis,
    log_axis,
    percentile_axis,
    percentiles,
)


@given(st.floats(1e-6, 1e12))
def test_a_linear_axis_ends_at_a_round_number_not_far_above(largest: float) -> None:
    axis = linear_axis(largest, lambda value: f"{value:g}")
    assert 0.4 <= axis.place(largest) <= 1 + 1e-9
    assert len(axis.ticks) <= 12
    assert axis.place(axis.ticks[-1][0]) == pytest.approx(1)


@given(st.floats(1, 1e12), st.floats(1, 1e6))
def test_a_logarithmic_axis_holds_its_values_between_decades(smallest: float, times: float) -> None:
    axis = log_axis(smallest, smallest * times)
    assert -1e-9 <= axis.place(smallest) <= axis.place(smallest * times) <= 1 + 1e-9
    assert axis.place(axis.ticks[0][0]) == pytest.approx(0)
    assert axis.place(axis.ticks[-1][0]) == pytest.approx(1)


def test_nines_are_equal_steps() -> None:
    axis = percentile_axis(10_000)
    assert [label for _, label in axis.ticks] == ["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %"]
    places = [axis.place(share) for share in (90, 99, 99.9, 99.99)]
    assert places == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert percentiles(10_000)[0] == 0
    assert percentiles(10_000)[-1] == pytest.approx(99.99)


def test_a_chart_is_well_formed_and_says_what_it_shows() -> None:
    x, y = linear_axis(10, str), log_axis(1e3, 1e6)
    chart = ET.fromstring(line_chart([Series("<b>&", 1, [(0, 1e3), (10, 1e6)])], x, y))
    (line,) = [path for path in chart.iter("path") if path.attrib["class"] == "line s1"]
    assert line[0].text == "<b>&"
    assert line.attrib["d"] == "M64.0 226.0L548.0 10.0"
    assert "1 ms" in [text.text for text in chart.iter("text")]
    assert ET.fromstring(line_chart([], x, y)).attrib["class"] == "chart"


def test_bars_and_gauges_stay_within_their_width() -> None:
    bars = ET.fromstring(bar_pair([(5, "five"), (10, "ten"), (0, "none")], 10, width=100))
    assert [float(bar.attrib["width"]) for bar in bars] == [50, 100, 1]
    assert [float(bar.attrib["width"]) for bar in ET.fromstring(gauge(1.7, "x", width=100))] == [100, 100]
    assert ET.fromstring(bar_pair([(0, "none")], 0)) is not None
