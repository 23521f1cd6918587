"""What one answer about a stored session may take: its process is everybody's page."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec import UNSET

from readroom.dashboards.live.api import stored
from readroom.dashboards.live.api.asked import MeasuresQuery, ReportQuery
from readroom.dashboards.live.api.catalogue import OPERATIONS
from readroom.dashboards.live.api.operations import Api, Call, Refused
from tests.aggregator.stored import a_session, write


@pytest.fixture
def api(tmp_path: Path) -> Api:
    """A server above a session of 120 points and one of 40."""
    write(tmp_path, a_session("s1"), a_session("s2", people=1))
    settings, hub = SimpleNamespace(data=tmp_path), SimpleNamespace(without_emotion=False)
    return cast(Api, SimpleNamespace(settings=settings, without_emotion=hub.without_emotion,
                                     hub=hub, now=lambda: 0.0))  # fmt: skip


def call(session: str, query: Any) -> Call[Any, None]:
    return Call({"id": session}, query, None, may_write=False, head=False)


@pytest.mark.parametrize(
    ("session", "compare", "too_long"), [("s1", UNSET, "s1"), ("s2", "s1", "s1"), ("s2", UNSET, "")]
)
def test_a_session_too_long_for_the_server_is_left_to_the_command(
    session: str, compare: Any, too_long: str, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "MOST_POINTS", 100)
    asked = call(session, ReportQuery(compare=compare))
    if not too_long:
        assert stored.get_report(api, asked).status_code == 200
        return
    with pytest.raises(Refused, match=f"session={too_long}: .* 120 points.*readroom report") as no:
        stored.get_report(api, asked)
    assert no.value.status == 413


def test_figures_of_the_room_have_a_bound_that_steps_and_names_stay_below(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = stored.get_measures(api, call("s1", MeasuresQuery())).measures
    assert len({figure.name for figure in rows}) == len(rows) == 4
    most = len(rows[0].time_s)
    monkeypatch.setattr(stored, "MOST_ANSWERED", most)
    with pytest.raises(Refused, match="steps") as no:
        stored.get_measures(api, call("s1", MeasuresQuery()))
    assert no.value.status == 413
    one = stored.get_measures(api, call("s1", MeasuresQuery(name=rows[0].name))).measures
    assert one == [rows[0]]
    steps = stored.get_measures(api, call("s1", MeasuresQuery(step_s=1000.0))).measures
    assert [(figure.time_s, figure.value) for figure in steps] == [
        ([0.0], [figure.value[-1]]) for figure in rows
    ]


def test_whatever_reads_all_points_waits_for_its_turn() -> None:
    heavy = {each.name for each in OPERATIONS if each.heavy}
    assert heavy == {"get_report", "get_timelines", "get_measures", "list_people"}
