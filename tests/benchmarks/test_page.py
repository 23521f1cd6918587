"""The made hour is a session like any other, and the page's figures become rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import page
from benchmarks.hour import HZ, PEOPLE, Hour, make
from readroom.sessions.timelines import Timelines

SECONDS = 20


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Hour:
    return make(tmp_path_factory.mktemp("hour"), SECONDS, lambda line: None)


def test_an_hour_says_a_state_at_every_moment_with_everybody_in_it(hour: Hour) -> None:
    moments = list(hour.moments())
    assert len(moments) == SECONDS * HZ + 1  # The last one is the end.
    times = [moment.state.time_s for moment in moments[:-1]]
    assert times == pytest.approx([n / HZ for n in range(SECONDS * HZ)])
    assert {len(moment.state.people) for moment in moments[3 * HZ : -1]} == {PEOPLE}
    assert moments[-1].state.phase == "closed"
    kinds = {event.kind for moment in moments for event in moment.events}
    assert {"session_started", "person_entered", "state_ended", "session_closed"} <= kinds


def test_its_store_holds_one_closed_session_of_all_of_them(hour: Hour) -> None:
    timelines = Timelines(hour.folder)
    (session,) = timelines.sessions()
    assert (session.name, session.state) == (hour.session, "closed")
    assert len(timelines.people(hour.session)) == PEOPLE
    samples = len(timelines.samples(hour.session))
    assert samples == pytest.approx(PEOPLE * SECONDS * HZ, rel=0.1)


def test_the_longest_task_is_the_pages_own(tmp_path: Path) -> None:
    def named(pid: int, name: str) -> dict[str, object]:
        return {"name": "thread_name", "pid": pid, "tid": 1, "args": {"name": name}}

    def task(pid: int, spent_us: int, name: str = "ThreadControllerImpl::RunTask") -> object:
        return {"name": name, "pid": pid, "tid": 1, "tdur": spent_us, "args": {}}

    trace = [
        *(named(1, "CrBrowserMain"), named(2, "CrRendererMain")),
        *(task(1, 90_000), task(2, 12_000), task(2, 31_000), task(2, 80_000, "another")),
    ]
    assert page._longest_cpu_ms(trace) == 31  # type: ignore[arg-type]
    assert page._longest_cpu_ms([]) == 0


def test_a_kind_that_is_cut_in_two_counts_once() -> None:
    audience = page.Audience(0)
    for part in (b"event: room\ndata: 1\n\nevent: ro", b"om\ndata: 2\n\n", b"event: room", b"\n"):
        audience._take(7, part)
    assert audience.states == 3


def test_the_figures_become_rows_of_the_table() -> None:
    kept = {"heap_mb": 2.0, "objects": 9000, "nodes": 700, "listeners": 60}
    found = {
        "update": dict.fromkeys(
            ("updates", "p50_ms", "p95_ms", "bare_p50_ms", "bare_p95_ms", "clock_ms"), 40.0
        ),
        "viewers": {"core": 0.5, "rss_mb": 60.0, "kb_a_s": 65.0, "arrived": 1.0},
        "hour": {
            **dict.fromkeys(("longest_ms", "longest_cpu_ms", "opening_ms", "reopening_ms"), 60.0),
            "over_100": 0,
            "tasks": 3,
            "kept": [kept, {**kept, "heap_mb": 2.1}],
        },
        "report": {"seconds": 2.5, "cpu_s": 2.4, "mb": 1.25},
    }
    told = " ".join(" ".join(row) for row in page.rows(found))
    assert "**40 ms** (40; clocks agree to 40.0)" in told
    assert "**0.50 of a core**" in told
    assert "2.00 → 2.10 MB, **1.05**" in told
    assert "**2.5 s** (2.4 s of CPU), **1.25 MB**" in told
    assert page.rows({}) == []
