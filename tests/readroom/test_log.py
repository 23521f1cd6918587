"""Logs: one line per event, no secrets, and not too many of the same."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from readroom.log import BURST, WINDOW_S, Log, set_up_logging

SECRET = "hunter2horse"
URL = f"rtsp://admin:{SECRET}@10.0.0.7/ch1"


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def text_log(level: str = "info") -> Log:
    return set_up_logging("work/w1", "text", level)


def json_log() -> Log:
    return set_up_logging("work/w1", "json", "debug")


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_a_line_for_people_says_when_what_where(capsys: pytest.CaptureFixture[str]) -> None:
    text_log().info("camera connected", camera="front", share=0.51234, note="two words")

    (line,) = lines(capsys)
    clock, level, box, rest = line.split(maxsplit=3)
    assert len(clock) == len("12:03:04")
    assert (level, box) == ("info", "work/w1:")
    assert rest == 'camera connected camera=front share=0.512 note="two words"'


def test_a_line_for_machines_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    json_log().bind(camera="front").warning("camera lost", reason="stall", tries=3)

    (line,) = lines(capsys)
    entry = json.loads(line)
    assert entry.pop("at") > 1e9
    assert entry == {
        "level": "warning",
        "box": "work/w1",
        "event": "camera lost",
        "camera": "front",
        "reason": "stall",
        "tries": 3,
    }


def test_lines_below_the_level_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    log = text_log("warning")
    log.debug("a")
    log.info("b")
    log.warning("c")

    assert [line[-1] for line in lines(capsys)] == ["c"]


@pytest.mark.parametrize("make", [text_log, json_log])
@pytest.mark.parametrize("value", ["a\nb", "a b\nc", "a\r\nb", "a\x0bb", "a\u2028b", "a\n"])
def test_one_event_is_one_line_whatever_it_says(
    make: Any, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log = make()
    log.warning("lost", reason=value, deep=[value])
    log.warning(f"failed: {value}")

    assert len(lines(capsys)) == 2


@pytest.mark.parametrize("make", [text_log, json_log])
@pytest.mark.parametrize(
    "value",
    [
        URL,
        {"url": URL},
        [URL, {"deep": (URL,)}],
        {"password": SECRET},
        {"READROOM_HTTP__TOKEN": SECRET},
        {URL: 1},
        ValueError(f"can't open {URL}"),
        {ValueError(f"can't open {URL}")},
        f"token={SECRET}",
        URL.encode(),
    ],
)
def test_a_secret_is_not_written_however_deep_it_lies(
    make: Any, value: object, capsys: pytest.CaptureFixture[str]
) -> None:
    make().warning("lost", value=value)

    written = capsys.readouterr().err
    assert "lost" in written
    assert SECRET not in written


@pytest.mark.parametrize("make", [text_log, json_log])
def test_a_secret_in_the_event_or_a_traceback_is_not_written(
    make: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    log = make()
    log.error(f"can't open {URL}")
    try:
        raise ValueError(f"can't open {URL}")
    except ValueError:
        # As libraries do it.
        logging.getLogger("library").exception("failed with %s", URL)

    written = capsys.readouterr().err
    assert "Traceback" in written
    assert "10.0.0.7" in written
    assert SECRET not in written


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr("readroom.log.time.monotonic", found.monotonic)
    return found


def test_the_same_event_is_written_a_few_times_and_then_counted(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    log = json_log()
    for number in range(BURST + 7):
        log.warning("frame dropped", number=number)
    log.warning("another event")
    written = [json.loads(line) for line in lines(capsys)]

    assert [e["number"] for e in written if e["event"] == "frame dropped"] == list(range(BURST))
    assert written[-1]["event"] == "another event"

    clock.now_s += WINDOW_S
    log.warning("frame dropped", number=99)
    log.warning("frame dropped", number=100)
    first, second = (json.loads(line) for line in lines(capsys))
    assert (first["number"], first["held_back"]) == (99, 7)
    assert second["number"] == 100
    assert "held_back" not in second


def test_errors_are_never_held_back(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    log = text_log()
    for _ in range(BURST * 3):
        log.error("redis is away")

    assert len(lines(capsys)) == BURST * 3


def test_a_value_that_json_does_not_know_is_written_as_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    json_log().info("seen", value=object, ratio=float("nan"), numbers=frozenset({1}))

    entry = json.loads(lines(capsys)[0], parse_constant=pytest.fail)
    assert entry["value"] == "<class 'object'>"
    assert entry["numbers"] == [1]
