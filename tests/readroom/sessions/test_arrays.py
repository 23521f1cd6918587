from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from readroom.affect import affect
from readroom.messages import LOOKS, STATES
from readroom.sessions import schema, timelines as timelines_module
from readroom.sessions.timelines import Timelines
from tests.aggregator.stored import a_session, plain_sample, write


def test_arrays_hold_the_same_points_as_samples(tmp_path: Path) -> None:
    rows = a_session()
    rows.samples += [plain_sample(4, 0.5), plain_sample(4, 1.0)]
    write(tmp_path, rows)
    timelines = Timelines(tmp_path)
    samples, points = timelines.samples("s1"), timelines.arrays("s1")
    assert len(points) == len(samples)
    valence, arousal = points.affect()
    for n, sample in enumerate(samples):
        assert (points.person[n], points.time_s[n]) == (sample.person, sample.time_s)
        assert STATES[points.state[n]] == sample.state
        assert LOOKS[points.look[n]] == sample.look
        assert schema.from_bits(int(points.actions[n])) == sample.actions
        assert schema.from_bits(int(points.measured[n])) == sample.measured
        assert points.confidence[n] == sample.confidence
        assert points.coverage[n] == sample.coverage
        assert points.camera[n] == sample.camera
        assert points.box[n].tolist() == [
            getattr(sample.box, s) for s in ("x", "y", "width", "height")
        ]
        if sample.expression is None:
            assert np.isnan(points.expression[n]).all()
        else:
            assert points.expression[n].tolist() == pytest.approx(list(sample.expression))
        index = affect(sample.state, sample.expression)
        if index is None:
            assert np.isnan([valence[n], arousal[n]]).all()
        else:
            assert (valence[n], arousal[n]) == pytest.approx(index)


@pytest.mark.parametrize("chunk", [1, 7, 121, 122])
def test_points_are_the_same_in_however_many_parts_they_are_read(
    chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = a_session()
    rows.samples.append(plain_sample(4, 0.5))
    write(tmp_path, rows)
    whole = Timelines(tmp_path).arrays("s1")
    assert Timelines(tmp_path).point_count("s1") == len(whole) == 121
    monkeypatch.setattr(timelines_module, "_CHUNK", chunk)
    parts = Timelines(tmp_path).arrays("s1")
    for field in fields(whole):
        found, expected = getattr(parts, field.name), getattr(whole, field.name)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


def test_some_of_the_points_are_chosen_by_mask_or_place(tmp_path: Path) -> None:
    write(tmp_path, a_session())
    points = Timelines(tmp_path).arrays("s1")
    of_two = points.of(points.person == 2)
    assert set(of_two.person.tolist()) == {2}
    assert len(points.of(np.array([3, 1]))) == 2


def test_a_session_without_points_has_empty_arrays(tmp_path: Path) -> None:
    write(tmp_path, a_session())
    points = Timelines(tmp_path).arrays("nothing")
    assert len(points) == 0
    assert points.expression.shape == (0, 8)
    assert points.box.shape == (0, 4)
    assert points.affect()[0].shape == (0,)
