from __future__ import annotations

import time
from collections import Counter

import pytest
from prometheus_client import Histogram

from readroom.ingest.reader import Newest, Reader
from readroom.ingest.sources import Captured, Lost


def captured(seq: int) -> Captured:
    return Captured(seq, 0.0, None, (1, 1), lambda _: pytest.fail("never converted"))


class Script:
    """A source that delivers what it is told: a picture, an error, or None for its end."""

    def __init__(self, *steps: Captured | Exception | None) -> None:
        self.undecodable = 0
        self.closed = False
        self._steps = list(steps)

    def open(self) -> None:
        pass

    def read(self) -> Captured | None:
        step = self._steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    def close(self) -> None:
        self.closed = True


class Drops(Counter[str]):
    def __call__(self, reason: str, count: int) -> None:
        self[reason] += count


def reader_of(source: Script, fps: float | None, drops: Drops) -> Reader:
    return Reader(source, fps, drops, Histogram("read_seconds", "Time.", registry=None))


def test_the_newest_picture_wins_and_the_others_are_counted() -> None:
    drops = Drops()
    newest = Newest(drops)
    for seq in range(4):
        newest.put(captured(seq))
    taken = newest.take(0)
    assert taken is not None
    assert taken.seq == 3
    assert newest.take(0) is None
    assert drops == {"superseded": 3}


def test_the_last_picture_comes_out_before_the_loss() -> None:
    newest = Newest(Drops())
    newest.put(captured(1))
    newest.end(Lost("closed", "gone"))
    assert newest.take(0) is not None
    with pytest.raises(Lost, match="gone"):
        newest.take(0)


def test_the_end_of_a_recording_is_no_loss() -> None:
    newest = Newest(Drops())
    newest.put(captured(1))
    newest.end(None)
    assert not newest.over
    assert newest.take(0) is not None
    assert newest.over
    assert newest.take(0) is None


def test_a_reader_hands_on_the_newest_and_closes_the_source() -> None:
    source, drops = Script(captured(0), captured(1), None), Drops()
    reader = reader_of(source, None, drops)
    reader.start()
    reader.join(5)
    taken = reader.newest.take(0)
    assert taken is not None
    assert taken.seq == 1
    assert drops["superseded"] == 1
    assert reader.newest.over
    assert source.closed


def test_every_read_is_timed_also_of_what_the_rate_leaves_out() -> None:
    seconds = Histogram("read_seconds", "Time.", registry=None)
    reader = Reader(Script(captured(0), captured(1), None), 1.0, Drops(), seconds)
    reader.start()
    reader.join(5)
    [metric] = seconds.collect()
    counts = [sample.value for sample in metric.samples if sample.name == "read_seconds_count"]
    assert counts == [3]


def test_a_reader_drops_what_the_rate_leaves_out() -> None:
    drops = Drops()
    reader = reader_of(Script(*[captured(seq) for seq in range(5)], None), 1.0, drops)
    reader.start()
    reader.join(5)
    taken = reader.newest.take(0)
    assert taken is not None
    assert (taken.seq, drops["rate"]) == (0, 4)


def test_an_error_nobody_foresaw_is_a_lost_camera_too() -> None:
    reader = reader_of(Script(ZeroDivisionError("in a driver")), None, Drops())
    reader.start()
    reader.join(5)
    with pytest.raises(Lost, match="in a driver") as caught:
        reader.newest.take(0)
    assert caught.value.reason == "failed"


def test_a_reader_that_is_given_up_lets_go_of_the_camera() -> None:
    class Endless(Script):
        def read(self) -> Captured:
            time.sleep(0.001)
            return captured(0)

    source = Endless()
    reader = reader_of(source, 1.0, Drops())
    reader.start()
    reader.give_up()
    reader.join(5)
    assert source.closed
