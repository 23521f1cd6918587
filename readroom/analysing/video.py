"""A recorded video from its beginning to its end, as fast as it goes.

The same boxes as in ``readroom run``, without a page, on a Redis of their own: an ingest for each
file, a worker for each core, the aggregator. It ends by itself once the session is closed and
stored. Several files are cameras of one meeting, read in step of media time.

Where nobody names a room it has one of its own, analyse-<process>, so that it never meets one that
runs. What such a room leaves behind besides its session is removed at the end.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from readroom.analysing.outputs import STDOUT, Outputs, save_json
from readroom.analysing.progress import Pace, Shown, shown, words as progress_words
from readroom.analysing.summary import Summary, as_data, lines, pictures, summarise
from readroom.box import Box, run_box
from readroom.errors import EXIT_OK, BadSettings, ReadroomError
from readroom.messages import ON_PURPOSE, RoomState
from readroom.preflight import check
from readroom.run import Camera, everything
from readroom.sessions.file import FILE_NAME
from readroom.sessions.rooms import forget_room
from readroom.sessions.timelines import Timelines
from readroom.settings import Settings
from readroom.streams import REDIS_AWAY, Client, TailReader, read_boxes
from readroom.supervisor import Supervisor
from readroom.words import clock, seconds, vocabulary

#: The room whose purpose is asked for, and kept, where none is named.
ROOM: Final = "analyse"
#: Recordings that have ended without a session get this long to begin one, s.
NOTHING_S: Final = 10.0
#: After a session has ended it gets this long to be written down, s.
STORED_S: Final = 30.0
#: How often it is looked how far the analysis is, s: looking takes from what is looked at.
LOOK_S: Final = 0.2
LONGEST_TITLE: Final = 300
#: Threads that decode a file at most, else one for each core: of a video of which every third
#: picture is analysed, decoding takes a third of what the networks take.
MOST_DECODERS: Final = 16
#: What a shell makes of a program that Ctrl-C has ended.
EXIT_INTERRUPTED: Final = 130


@dataclass(slots=True)
class Went:
    """How it went: the last that was heard of the room, and monotonic times, s: of the beginning,
    from when on a worker was ready, and of the last state of a session (0: not yet)."""

    began_s: float
    ready_s: float = 0.0
    last_s: float = 0.0
    state: RoomState | None = None

    @property
    def closed(self) -> bool:
        """Whether the recording was analysed to its end."""
        return self.state is not None and self.state.phase == "closed"

    def took(self) -> dict[str, float]:
        """Seconds until a worker was ready and from then to the end, and pictures a second
        meanwhile."""
        analysing_s = max(self.last_s - self.ready_s, 1e-3)
        frames = 0 if self.state is None else sum(one.frames for one in self.state.cameras)
        return {
            "starting_s": round(self.ready_s - self.began_s, 3),
            "analysing_s": round(analysing_s, 3),
            "frames_per_s": round(frames / analysing_s, 3),
        }


def settings_for(settings: Settings, files: Sequence[Path], *, own_room: bool) -> Settings:
    """The settings as a recording is analysed with, whatever else is set: a Redis of its own,
    nothing that another machine reaches, as fast as it goes, once."""
    threads = min(os.cpu_count() or 1, MOST_DECODERS)
    ingest = {"mode": "recording", "pace": "fast", "loop": 1, "decode_threads": threads}
    http = {"host": "127.0.0.1", "port": 0, "metrics_port": 0, "box_port": 0}
    return settings.model_copy(
        update={
            "room": f"{ROOM}-{os.getpid()}" if own_room else settings.room,
            "title": settings.title or _title(files),
            "sources": tuple(map(str, files)),
            "log_level": "warning" if settings.log_level == "info" else settings.log_level,
            "redis": settings.redis.model_copy(update={"url": None}),
            "ingest": settings.ingest.model_copy(update=ingest),
            "aggregator": settings.aggregator.model_copy(update={"session": "auto"}),
            "http": settings.http.model_copy(update=http),
        }
    )


def _title(files: Sequence[Path]) -> str:
    """The files' names, in one line."""
    names = ", ".join(path.name for path in files)
    return "".join(each if each.isprintable() else " " for each in names)[:LONGEST_TITLE]


def analyse_videos(
    settings: Settings, files: Sequence[Path], outputs: Outputs, *, own_room: bool
) -> int:
    """Look at the files, analyse them, write what is asked for; returns the exit code. Raises
    BadSettings for what can't be analysed, before anything starts."""
    from readroom.aggregator.store import only_aggregator
    from readroom.ingest.sources import check_source, parse_sources
    from readroom.ingest.sources.facts import video_facts
    from readroom.models.choice import available, describe

    began_s = time.monotonic()
    settings = settings_for(settings, files, own_room=own_room)
    cameras = parse_sources(settings.sources)
    lengths: list[float | None] = []
    for camera in cameras:
        check_source(camera)
        facts = video_facts(Path(camera.source))
        if facts.why_not:
            raise BadSettings(f"{camera.shown}: not a video, {facts.why_not}")
        lengths.append(facts.length_s)
    for choice in available(settings):
        if choice.broken:
            raise BadSettings(choice.reason)
    check(settings)
    with only_aggregator(settings.data, settings.room):
        pass  # A room that runs is named before anything starts.
    if networks := describe(settings):
        print(networks, file=sys.stderr)
    if len(cameras) > 1:
        names = ", ".join(camera.name for camera in cameras)
        print(f"{len(cameras)} cameras of one meeting, in step: {names}", file=sys.stderr)
    known = [length_s for length_s in lengths if length_s is not None]
    length_s = max(known) if len(known) == len(lengths) else None
    went = Went(began_s)
    code = run_box(
        "analyse",
        "supervisor",
        settings,
        lambda box: analyse(box, cameras, length_s, outputs, went),
        port=0,
    )
    return code or (EXIT_OK if went.closed else EXIT_INTERRUPTED)


def analyse(
    box: Box, cameras: Sequence[Camera], length_s: float | None, outputs: Outputs, went: Went
) -> None:
    """Analyse recordings until the session is stored, or the box is told to stop: ``went`` says
    which. ``length_s`` is the longest one's, None where nobody knows.

    Raises ReadroomError where it can't be done.
    """
    try:
        with shown(sys.stderr) as bar, everything(box, cameras, live=False) as (keeper, client):
            if client is not None:
                _follow(box, keeper, client, length_s, bar, went)
        _tell(box.settings, length_s, outputs, went)
    finally:
        if box.settings.room == f"{ROOM}-{os.getpid()}":
            forget_room(box.settings.data, box.settings.room)


def _follow(
    box: Box,
    keeper: Supervisor,
    client: Client,
    length_s: float | None,
    bar: Shown,
    went: Went,
) -> None:
    """Look after the boxes and show how far they are, until the session is closed."""
    tail: TailReader[RoomState] = TailReader(client, box.keys.people, RoomState)
    pace, nothing_since_s = Pace(), 0.0
    while not (went.closed or keeper.failed is not None or box.wait(LOOK_S)):
        keeper.turn()
        now_s = time.monotonic()
        try:
            box.alive(client)
            if not went.ready_s and _worker_ready(client, box):
                went.ready_s = now_s
            newest = tail.backfill(1)
        except REDIS_AWAY:  # Its keeper starts it again, and the recording goes on.
            continue
        if not newest or newest[0].phase == "waiting":
            bar.show(0.0, length_s, "starting", now_s)
            over = bool(newest) and _all_over(newest[0])
            nothing_since_s = (nothing_since_s or now_s) if over else 0.0
            if over and now_s - nothing_since_s > NOTHING_S:
                raise ReadroomError("no picture of it could be analysed; see the lines above")
            continue
        state = newest[0]
        went.state, went.last_s = state, now_s
        went.ready_s = went.ready_s or now_s
        pace.reached(state.time_s, now_s)
        visible = sum(person.visible for person in state.people)
        line = progress_words(state.time_s, length_s, pace, visible)
        bar.show(state.time_s, length_s, line, now_s)
    if went.closed and went.state is not None:
        _wait_until_stored(box, keeper, went.state.session)


def _worker_ready(client: Client, box: Box) -> bool:
    boxes = read_boxes(client, box.keys).values()
    return any(one.kind == "work" and one.ready for one in boxes)


def _wait_until_stored(box: Box, keeper: Supervisor, session: str) -> None:
    """The session's end is told before it is on disk."""
    until_s = time.monotonic() + STORED_S
    while not _is_stored(box.settings, session) and time.monotonic() < until_s:
        if box.wait(0.05):
            return
        keeper.turn()


def _is_stored(settings: Settings, session: str) -> bool:
    with contextlib.suppress(sqlite3.Error):
        sessions = Timelines(settings.data).sessions(settings.room)
        return any(one.name == session and one.state == "closed" for one in sessions)
    return False


def _all_over(state: RoomState) -> bool:
    return bool(state.cameras) and all(camera.phase == "ended" for camera in state.cameras)


def _tell(settings: Settings, length_s: float | None, outputs: Outputs, went: Went) -> None:
    """What was found, where it is, and how long it took; everything that is asked for is written.
    Raises ReadroomError where the store doesn't have the whole session."""
    out = sys.stderr if outputs.json == STDOUT else sys.stdout
    state = went.state
    if state is None or state.phase == "waiting":
        print("stopped before anything was analysed; nothing is stored", file=out)
        return
    where = f"session {state.session} in {settings.data / FILE_NAME}"
    if not went.closed:
        of = f" of {clock(length_s)}" if length_s is not None else ""
        print(f"stopped at {clock(state.time_s)}{of}. Until there it is stored: {where}", file=out)
        print(f"A report of it: `readroom report {state.session}`", file=out)
        return
    timelines = Timelines(settings.data)
    if not _is_stored(settings, state.session):
        raise ReadroomError(f"{where}: its end could not be stored; see the lines above")
    summary = summarise(timelines, state.session)
    words = vocabulary(settings.without_emotion)
    print(f"{summary.title}: {_effort(summary, went)}", file=out)
    for line in (*lines(summary, words), *notes(summary, settings)):
        print(line, file=out)
    print(where, file=out)
    for line in _write(outputs, timelines, summary, went, settings):
        print(line, file=out)


def _effort(summary: Summary, went: Went) -> str:
    took_s = time.monotonic() - went.began_s
    starting_s = went.took()["starting_s"]
    return (
        f"{seconds(summary.length_s)} ({pictures(summary.frames)}) in {seconds(took_s)}, "
        f"{summary.length_s / max(took_s, 1e-3):.1f} × real time; {seconds(starting_s)} of it to "
        "start"
    )


def notes(summary: Summary, settings: Settings) -> list[str]:
    """What somebody who reads the summary has to know."""
    lost = sum(count for why, count in summary.dropped.items() if why not in ON_PURPOSE)
    beyond = [
        label for at_s, label in settings.moments if (at_s, label) not in set(summary.markers)
    ]
    notes = []
    if lost:
        notes.append(f"{pictures(lost)} could not be read or analysed")
    if beyond:
        notes.append(f"beyond the end, and not marked: {', '.join(beyond)}")
    return notes


def _write(
    outputs: Outputs, timelines: Timelines, summary: Summary, went: Went, settings: Settings
) -> Iterator[str]:
    """Write what is asked for, each as soon as it is there; a line for each file."""
    from readroom.dashboards.report import files, pdf, render

    if outputs.json is not None:
        yield from save_json(outputs.json, {**as_data(summary), "took": went.took()})
    if outputs.report is None and outputs.pdf is None:
        return
    html = render(timelines, summary.session, made_at=time.time())
    if outputs.report is not None:
        files.put(outputs.report, html.encode(), pdf.is_html_report)
        yield f"report: {outputs.report}"
    if outputs.pdf is not None:
        pdf.to_pdf(html, outputs.pdf, settings.chromium)
        yield f"report: {outputs.pdf}"
