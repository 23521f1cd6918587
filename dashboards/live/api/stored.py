"""Stored sessions: reading them, renaming what is in them, erasing them.

Where no emotion may be inferred, sessions of such a purpose hold none. Those of another purpose,
made before, may lie in the same store: of them this server tells when and by whom they were, and
refuses what was read in faces.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any, Final, TypeVar

from msgspec import UnsetType
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from readroom.commands import one_line
from readroom.dashboards.live.api import answers
from readroom.dashboards.live.api.asked import (
    EventsQuery,
    MeasuresQuery,
    NameBody,
    ReportQuery,
    SessionsQuery,
    StoredTitleBody,
    TimelinesQuery,
)
from readroom.dashboards.live.api.operations import Api, Call, Nothing, Refused
from readroom.messages import LOOKS, PLAIN_ENGINES, STATES
from readroom.sessions import editing, retention
from readroom.sessions.allowed import EmotionForbidden, check_allowed
from readroom.sessions.backup import readable
from readroom.sessions.columns import Columns, columns, in_steps
from readroom.sessions.file import FILE_NAME, NotStored, StoreFailed
from readroom.sessions.rows import MeasureRow
from readroom.sessions.schema import from_bits
from readroom.sessions.timelines import Overview, StoredPerson, Timelines

#: Points of timelines that are read for one answer, or for each session of a report: two hours of
#: 12 people, four a second, and some. A report takes some 350 bytes for each, and this process is
#: everybody's page.
MOST_POINTS: Final = 400_000
#: Points that one answer holds.
MOST_ANSWERED: Final = 200_000
#: A report comes from a file's worth of markup with styles and drawings inside, and nothing else:
#: no script runs, nothing is fetched, and it isn't this server's page to the browser.
REPORT_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-downloads"
)

T = TypeVar("T")


def list_sessions(api: Api, call: Call[SessionsQuery, None]) -> answers.Sessions:
    """The stored sessions, newest first; none where nothing was ever stored."""
    if not (api.settings.data / FILE_NAME).is_file():
        return answers.Sessions(sessions=[], total=0)
    timelines, query = Timelines(api.settings.data), call.query
    of_room = _given(query.room)
    found = timelines.overviews(of_room, limit=query.limit, offset=query.offset)
    return answers.Sessions(
        sessions=[_summary(overview) for overview in found], total=timelines.count(of_room)
    )


def get_session(api: Api, call: Call[Nothing, None]) -> answers.SessionDetail:
    """One session."""
    timelines, overview = _session(api, call.path["id"])
    return _detail(api, timelines, overview)


def list_people(api: Api, call: Call[Nothing, None]) -> list[answers.PersonOfSession]:
    """The people of a session, in order of entering."""
    timelines, overview = _session(api, call.path["id"])
    coverage = timelines.coverage(overview.session.name)
    return [
        _person(person, coverage.get(person.person))
        for person in timelines.people(overview.session.name)
    ]


def get_timelines(api: Api, call: Call[TimelinesQuery, None]) -> answers.SessionTimelines:
    """People's timelines, whole or in steps."""
    timelines, overview = _read(api, call.path["id"])
    name, query = overview.session.name, call.query
    people = {person.person: person for person in timelines.people(name)}
    only, step_s = _given(query.person), _given(query.step_s)
    if only is not None and only not in people:
        raise Refused(404, f"person={only}: session {name} has no such person")
    most = MOST_ANSWERED if step_s is None else MOST_POINTS
    points = timelines.points(name, only, query.from_s, query.to_s, most + 1)
    if len(points) > most:
        raise Refused(
            413,
            f"more than {most} points; ask for a part of the session (from_s, to_s), for one "
            "person, or for steps (step_s)",
        )
    found = [found if step_s is None else in_steps(found, step_s) for found in columns(points)]
    return answers.SessionTimelines(
        session=name, step_s=step_s, people=[_timeline(people[f.person], f) for f in found]
    )


def get_measures(api: Api, call: Call[MeasuresQuery, None]) -> answers.SessionMeasures:
    """Figures of the room, by name."""
    timelines, overview = _read(api, call.path["id"])
    name, query, step_s = overview.session.name, call.query, _given(call.query.step_s)
    rows = timelines.measures_between(
        name,
        query.from_s,
        query.to_s,
        name=_given(query.name),
        step_s=step_s,
        most=MOST_ANSWERED + 1,
    )
    if len(rows) > MOST_ANSWERED:
        raise Refused(
            413,
            f"more than {MOST_ANSWERED} figures; ask for a part of the session (from_s, to_s), for "
            "one figure (name), or for steps (step_s)",
        )
    return answers.SessionMeasures(
        session=name,
        step_s=step_s,
        measures=[
            _measures(figure, list(own), step_s)
            for figure, own in groupby(rows, key=lambda row: row.name)
        ],
    )


def list_events(api: Api, call: Call[EventsQuery, None]) -> answers.SessionEvents:
    """What happened."""
    timelines, overview = _read(api, call.path["id"])
    query = call.query
    events, total = timelines.events_between(
        overview.session.name,
        query.from_s,
        query.to_s,
        kind=_given(query.kind),
        limit=query.limit,
        offset=query.offset,
    )
    return answers.SessionEvents(events=events, total=total)


def list_markers(api: Api, call: Call[Nothing, None]) -> list[answers.MarkerOfSession]:
    """The marked moments, by time."""
    timelines, overview = _session(api, call.path["id"])
    return [
        answers.MarkerOfSession(id=row.id, time_s=row.time_s, label=row.label)
        for row in timelines.markers(overview.session.name)
    ]


def list_notes(api: Api, call: Call[Nothing, None]) -> list[answers.NoteOfSession]:
    """What was noted, by time."""
    timelines, overview = _session(api, call.path["id"])
    return [
        answers.NoteOfSession(id=row.id, time_s=row.time_s, text=row.text)
        for row in timelines.notes(overview.session.name)
    ]


def get_report(api: Api, call: Call[ReportQuery, None]) -> Response:
    """The session's report, one file of HTML."""
    # Drawing is loaded where somebody wants it.
    from readroom.dashboards import report  # noqa: PLC0415

    timelines, overview = _read(api, call.path["id"])
    compare = _given(call.query.compare)
    if compare is not None:
        _read(api, compare)
    for name in (overview.session.name, compare):
        if name is not None and (count := timelines.point_count(name)) > MOST_POINTS:
            raise Refused(
                413,
                f"session={name}: its timelines have {count} points, and more than {MOST_POINTS} "
                "are too many for this server; make its report with `readroom report`",
            )
    html = report.render(timelines, overview.session.name, compare=compare, made_at=api.now())
    return Response(
        html,
        media_type="text/html; charset=utf-8",
        headers={"Content-Security-Policy": REPORT_POLICY},
    )


# -- changes --------------------------------------------------------------------------------------


def retitle_session(api: Api, call: Call[Nothing, StoredTitleBody]) -> answers.SessionDetail:
    """A session that is over gets another title."""
    timelines, overview = _session(api, call.path["id"])
    name = overview.session.name
    title = one_line("title", call.body.title, needed=False)
    editing.set_title(api.settings.data, name, title)
    return _detail(api, timelines, timelines.overview(name))


def rename_person(api: Api, call: Call[Nothing, NameBody]) -> answers.PersonOfSession:
    """A person of a session that is over is called otherwise."""
    timelines, overview = _session(api, call.path["id"])
    name = overview.session.name
    called = one_line("name", call.body.name or "", needed=False) or None
    number = editing.set_name(api.settings.data, name, call.path["person"], called)
    person = next(found for found in timelines.people(name) if found.person == number)
    return _person(person, timelines.coverage(name).get(number))


async def erase_session(api: Api, call: Call[Nothing, None]) -> answers.Erased:
    """A session is erased for good."""
    return await _erase(api, call.path["id"], retention.erase_session)


async def erase_person(api: Api, call: Call[Nothing, None]) -> answers.Erased:
    """A person of a session is erased for good, with all who were merged with them."""
    person = call.path["person"]
    return await _erase(
        api, call.path["id"], lambda data, name: retention.erase_person(data, name, person)
    )


async def _erase(
    api: Api, session: str, erase: Callable[[Path, str], retention.Erased]
) -> answers.Erased:
    """Erase in the store, then where this server still tells of it: that belongs to its loop."""

    def work() -> retention.Erased:
        with readable(api.settings.data):
            _session(api, session)
            return erase(api.settings.data, session)

    try:
        erased = await run_in_threadpool(work)
    except StoreFailed:  # Maybe after the rows were gone: then asking again finds no session.
        api.hub.forget(session)
        raise
    api.hub.forget(session)
    return _proof(erased)


# -- from the store's values to the answers -------------------------------------------------------


def _given(value: T | UnsetType) -> T | None:
    return None if isinstance(value, UnsetType) else value


def _session(api: Api, name: str) -> tuple[Timelines, Overview]:
    """The store, and a session of it. Raises NotStored."""
    if not (Path(api.settings.data) / FILE_NAME).is_file():
        raise NotStored(f"session={name}: no such session is stored")
    timelines = Timelines(api.settings.data)
    return timelines, timelines.overview(name)


def _read(api: Api, name: str) -> tuple[Timelines, Overview]:
    """The same, of which something is told that was read in faces."""
    timelines, overview = _session(api, name)
    try:
        check_allowed(overview.session, without_emotion=api.without_emotion)
    except EmotionForbidden as error:
        raise Refused(403, str(error)) from None
    return timelines, overview


def _summary(overview: Overview) -> answers.SessionSummary:
    return answers.SessionSummary(**_fields(overview))


def _detail(api: Api, timelines: Timelines, overview: Overview) -> answers.SessionDetail:
    session = overview.session
    plain = api.without_emotion
    return answers.SessionDetail(
        **_fields(overview),
        cameras=[
            answers.SessionCamera(
                camera=camera.camera,
                mode=camera.mode,
                frames=camera.frames,
                dropped=camera.dropped,
            )
            for camera in timelines.cameras(session.name)
        ],
        models={e: m for e, m in session.models.items() if not plain or e in PLAIN_ENGINES},
        markers=len(timelines.markers(session.name)),
        notes=len(timelines.notes(session.name)),
    )


def _fields(overview: Overview) -> dict[str, Any]:
    session = overview.session
    return {
        "id": session.name,
        "title": session.title,
        "room": session.room,
        "started_at": session.started_at,
        "duration_s": round(overview.duration_s, 3),
        "recording": session.recording,
        "state": session.state,
        "purpose": session.purpose,
        "people": overview.people,
    }


def _timeline(person: StoredPerson, found: Columns) -> answers.PersonTimeline:
    keys = list(zip(found.actions.tolist(), found.measured.tolist(), strict=True))
    told = {
        (actions, measured): sorted(from_bits(actions)) if measured else None
        for actions, measured in set(keys)
    }
    return answers.PersonTimeline(
        person=person.person,
        slot=person.slot,
        pseudonym=person.pseudonym,
        name=person.name,
        merged_into=person.merged_into,
        time_s=found.time_s.round(3).tolist(),
        state=[STATES[index] for index in found.state.tolist()],
        confidence=found.confidence.round(4).tolist(),
        valence=found.affect[:, 0].round(4).tolist(),  # NaN is null in JSON.
        arousal=found.affect[:, 1].round(4).tolist(),
        coverage=found.coverage.round(4).tolist(),
        look=[LOOKS[index] for index in found.look.tolist()],
        actions=[told[key] for key in keys],
    )


def _person(person: StoredPerson, coverage: float | None) -> answers.PersonOfSession:
    return answers.PersonOfSession(
        person=person.person,
        slot=person.slot,
        pseudonym=person.pseudonym,
        name=person.name,
        entered_s=person.entered_s,
        left_s=person.left_s,
        cameras=list(person.cameras),
        merged_into=person.merged_into,
        coverage=coverage,
    )


def _measures(name: str, rows: list[MeasureRow], step_s: float | None) -> answers.MeasureColumns:
    found = [row.measure for row in rows]
    times = [row.time_s for row in rows]
    return answers.MeasureColumns(
        name=name,
        time_s=times if step_s is None else [math.floor(t / step_s) * step_s for t in times],
        value=[measure.value for measure in found],
        low=[measure.low for measure in found],
        high=[measure.high for measure in found],
        n=[measure.n for measure in found],
        coverage=[measure.coverage for measure in found],
        p=[measure.p for measure in found],
    )


def _proof(erased: retention.Erased) -> answers.Erased:
    return answers.Erased(before=erased.before, after=erased.after, complete=erased.complete)
