from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from readroom.ingest.sources import Captured, demo
from readroom.ingest.sources.demo import DemoCamera
from readroom.ingest.sources.paced import Paced


class Clocks:
    """A monotonic clock and one on the wall, which somebody may set; sleeping moves both."""

    def __init__(self) -> None:
        self.monotonic_s, self.wall_s = 50.0, 1_000_000.0
        self.slept_s: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.monotonic_s += seconds
        self.wall_s += seconds


class Clip:
    """A recording of ten pictures a second."""

    undecodable = 0
    flaw = ""

    def __init__(self) -> None:
        self._seq = -1

    def open(self) -> None:
        pass

    def read(self) -> Captured:
        self._seq += 1
        return Captured(self._seq, 0.0, self._seq / 10, (1, 1), lambda _: pytest.fail("unasked"))

    def skip(self, *unused: Any) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.mark.parametrize("set_by_s", [-3600.0, 3600.0])
def test_a_recording_played_live_keeps_its_pace_when_the_clock_is_set(set_by_s: float) -> None:
    clocks = Clocks()
    paced = Paced(
        Clip(),
        clock=lambda: clocks.monotonic_s,
        wall_clock=lambda: clocks.wall_s,
        sleep=clocks.sleep,
    )
    paced.open()
    for _ in range(3):
        paced.read()
    clocks.wall_s += set_by_s
    last = [paced.read() for _ in range(3)][-1]
    assert clocks.slept_s == pytest.approx([0.1] * 5)
    assert last is not None
    assert last.captured_at == pytest.approx(1_000_000.5 + set_by_s)


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    """Clocks, and a demo room that costs nothing to render."""
    room = SimpleNamespace(render=lambda _: np.zeros((2, 2, 3), np.uint8))
    monkeypatch.setattr(demo, "DemoRoom", lambda _: room)
    return Clocks()


@pytest.mark.parametrize("set_by_s", [-3600.0, -0.25, 3600.0])
def test_the_demo_camera_goes_on_at_its_rate_when_the_clock_is_set(
    clocks: Clocks, set_by_s: float
) -> None:
    camera = DemoCamera("left", 10, clock=lambda: clocks.wall_s, sleep=clocks.sleep)
    camera.open()
    for _ in range(3):
        camera.read()
    clocks.wall_s += set_by_s
    found = [camera.read() for _ in range(5)]
    assert max(clocks.slept_s) <= 0.2
    assert found[-1].captured_at == pytest.approx(clocks.wall_s, abs=0.1)
    assert [captured.seq for captured in found] == [3, 4, 5, 6, 7]
