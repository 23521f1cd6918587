"""Every operation of the API, declared once: see the package's text."""

from __future__ import annotations

from typing import Final

from readroom.dashboards.live.api import answers, asked, live, stored
from readroom.dashboards.live.api.operations import Nothing, Operation
from readroom.messages import RoomState

_NO_SESSION: Final = {404: "No such session is stored."}
_NO_PERSON: Final = {404: "No such session, or no such person in it."}
_EMOTION: Final = {403: "It may name emotions, which this server may not."}
_RUNS: Final = {409: "The session runs."}
_UNHEARD: Final = "Nobody has said in time whether it was done; it may still be."
_COMMAND: Final = {
    409: "The aggregator refused it; the reason says why.",
    503: "The room doesn't run, or Redis doesn't answer.",
}
_MANY: Final = {413: "More than one answer holds; ask for less."}
_LONG: Final = {413: "The session is too long for this server; `readroom report` makes its report."}
_STREAM: Final = (
    "Server-sent events, each with a kind and one line of JSON. `history` comes first, and again "
    "whenever the viewer was too slow: all that is needed to begin (HistoryMessage). Then, as it "
    "happens: `room` (RoomMessage), `event` (Event), and `status`, whether Redis answers (Status)."
)
_NOT_REACHED: Final = (
    " Backups and recorded tables aren't reached, nor what Redis still holds in memory: the last "
    "minutes of what was told, and the newest commands with the names and notes in them."
)
_STORED_ONLY: Final = " Of one that runs, it is refused: change that through the running room."

OPERATIONS: Final = (
    # What is there now.
    Operation(
        "GET",
        "/about",
        "This server, and whether the request may change anything",
        live.about,
        answers.About,
    ),
    Operation(
        "GET",
        "/room",
        "The running room's newest state",
        live.room,
        RoomState | None,
        text="null before the first. Keypoints are left out.",
    ),
    Operation(
        "GET",
        "/stream",
        "Everything as it happens",
        live.stream,
        "text/event-stream",
        text=_STREAM,
        refusals={503: "Too many streams are open."},
    ),
    Operation(
        "GET",
        "/cameras/{camera}/picture",
        "A camera's newest picture",
        live.camera_picture,
        "image/jpeg",
        text="At most 640 px wide, as far as READROOM_HTTP__PICTURES lets it be seen.",
        refusals={404: "Pictures are off, or there is none of that camera."},
    ),
    # What somebody asks of the running room.
    Operation(
        "POST",
        "/session",
        "Start a session",
        live.start_session,
        answers.Done,
        text="From now on, what is read is stored.",
        body=asked.StartBody,
        refusals=_COMMAND,
        accepted=_UNHEARD,
    ),
    Operation(
        "PATCH",
        "/session",
        "Give the running session a title",
        live.retitle_running,
        answers.Done,
        text="Where none runs, the next one gets it.",
        body=asked.TitleBody,
        refusals=_COMMAND,
        accepted=_UNHEARD,
    ),
    Operation(
        "POST",
        "/session/stop",
        "End the running session",
        live.stop_session,
        answers.Done,
        body=Nothing,
        refusals=_COMMAND,
        accepted=_UNHEARD,
    ),
    Operation(
        "POST",
        "/markers",
        "Mark a moment",
        live.add_marker,
        answers.Done,
        body=asked.MarkerBody,
        refusals=_COMMAND,
        accepted=_UNHEARD,
    ),
    Operation(
        "POST",
        "/notes",
        "Note something about the running session",
        live.add_note,
        answers.Done,
        body=asked.NoteBody,
        refusals=_COMMAND,
        accepted=_UNHEARD,
    ),
    Operation(
        "PATCH",
        "/people/{slot}",
        "Call somebody in the room by a name",
        live.rename_slot,
        answers.Done,
        text="For this session; null takes the name away.",
        body=asked.NameBody,
        refusals=_COMMAND,
        accepted=_UNHEARD,
    ),
    Operation(
        "POST",
        "/people/{slot}/merge",
        "Say that two people are one",
        live.merge_people,
        answers.Done,
        body=asked.MergeBody,
        refusals=_COMMAND,
        accepted=_UNHEARD,
    ),
    Operation(
        "POST",
        "/people/{slot}/split",
        "Say that whom a camera sees is somebody else",
        live.split_person,
        answers.Done,
        body=asked.SplitBody,
        refusals=_COMMAND,
        accepted=_UNHEARD,
    ),
    # Stored sessions.
    Operation(
        "GET",
        "/sessions",
        "The stored sessions, newest first",
        stored.list_sessions,
        answers.Sessions,
        query=asked.SessionsQuery,
    ),
    Operation(
        "GET",
        "/sessions/{id}",
        "One session",
        stored.get_session,
        answers.SessionDetail,
        refusals=_NO_SESSION,
    ),
    Operation(
        "PATCH",
        "/sessions/{id}",
        "Give a stored session another title",
        stored.retitle_session,
        answers.SessionDetail,
        text="An empty one takes it away." + _STORED_ONLY,
        body=asked.StoredTitleBody,
        refusals=_NO_SESSION | _RUNS,
    ),
    Operation(
        "DELETE",
        "/sessions/{id}",
        "Erase a session for good",
        stored.erase_session,
        answers.Erased,
        text="The answer is the proof, and this server's page tells of it no more." + _NOT_REACHED,
        refusals=_NO_SESSION | _RUNS,
    ),
    Operation(
        "GET",
        "/sessions/{id}/people",
        "The people of a session",
        stored.list_people,
        list[answers.PersonOfSession],
        heavy=True,
        refusals=_NO_SESSION,
    ),
    Operation(
        "PATCH",
        "/sessions/{id}/people/{person}",
        "Call somebody of a stored session by a name",
        stored.rename_person,
        answers.PersonOfSession,
        text="null takes the name away." + _STORED_ONLY,
        body=asked.NameBody,
        refusals=_NO_PERSON | _RUNS,
    ),
    Operation(
        "DELETE",
        "/sessions/{id}/people/{person}",
        "Erase one person of a session for good",
        stored.erase_person,
        answers.Erased,
        text="With all who were merged with them. The answer is the proof, and this server's page "
        "tells of the whole session no more." + _NOT_REACHED,
        refusals=_NO_PERSON | _RUNS,
    ),
    Operation(
        "GET",
        "/sessions/{id}/timelines",
        "People's timelines, whole or in steps",
        stored.get_timelines,
        answers.SessionTimelines,
        query=asked.TimelinesQuery,
        heavy=True,
        refusals=_NO_PERSON | _EMOTION | _MANY,
    ),
    Operation(
        "GET",
        "/sessions/{id}/measures",
        "Figures of the room over time",
        stored.get_measures,
        answers.SessionMeasures,
        query=asked.MeasuresQuery,
        heavy=True,
        refusals=_NO_SESSION | _EMOTION | _MANY,
    ),
    Operation(
        "GET",
        "/sessions/{id}/events",
        "What happened",
        stored.list_events,
        answers.SessionEvents,
        text="Those that go on somewhere between from_s and to_s.",
        query=asked.EventsQuery,
        refusals=_NO_SESSION | _EMOTION,
    ),
    Operation(
        "GET",
        "/sessions/{id}/markers",
        "The marked moments",
        stored.list_markers,
        list[answers.MarkerOfSession],
        refusals=_NO_SESSION,
    ),
    Operation(
        "GET",
        "/sessions/{id}/notes",
        "What was noted",
        stored.list_notes,
        list[answers.NoteOfSession],
        refusals=_NO_SESSION,
    ),
    Operation(
        "GET",
        "/sessions/{id}/report",
        "The session's report: one HTML file",
        stored.get_report,
        "text/html",
        query=asked.ReportQuery,
        heavy=True,
        refusals=_NO_SESSION | _EMOTION | _LONG,
    ),
)
