"""The command line: ``readroom run`` for everything, one command per box, and the tools.

Boxes are imported inside their commands: this module belongs to the shared contract, and an
ingest process shouldn't load a neural network runtime to read a camera.
"""

from __future__ import annotations

import json
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

import typer

from readroom import __version__, commands, purpose as purposes
from readroom.box import Box, run_box
from readroom.errors import BadSettings, ReadroomError
from readroom.messages import WITHOUT_EMOTION, Command, Marker
from readroom.redaction import redact
from readroom.settings import Settings, load_settings, supervised
from readroom.streams import Keys, address
from readroom.words import vocabulary

#: What a shell makes of a program that Ctrl-C has ended.
EXIT_INTERRUPTED = 130

app = typer.Typer(
    help="How the people in a room looked while you spoke: live and afterwards.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
models_app = typer.Typer(help="Networks: what is there, and fetching public ones.")
app.add_typer(models_app, name="models", no_args_is_help=True)
session_app = typer.Typer(help="The session of a running room: start, stop, title, notes, people.")
app.add_typer(session_app, name="session", no_args_is_help=True)
grafana_app = typer.Typer(help="Dashboards and annotations into a running Grafana.")
app.add_typer(grafana_app, name="grafana", no_args_is_help=True)

Room = Annotated[str | None, typer.Option(help="Name of the room.")]
Mode = Annotated[str | None, typer.Option(help="auto, live or recording.")]
Pace = Annotated[str | None, typer.Option(help="realtime or fast (files and folders).")]
Fps = Annotated[float | None, typer.Option(help="Analysis rate per camera, frames/s.")]
Loop = Annotated[int | None, typer.Option(help="How often a file is played; 0: for ever.")]
Engines = Annotated[
    str | None, typer.Option(help="What workers run: face,expression,pose or some of them.")
]
LogFormat = Annotated[str | None, typer.Option(help="text or json.")]
BoxKind = Literal["run", "ingest", "work", "aggregate", "live"]
Sources = Annotated[
    list[str] | None,
    typer.Argument(help="Cameras: rtsp://…, http://…, 0 (webcam), a file, a folder, demo:left."),
]


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command("run")
def run_command(
    sources: Sources = None,
    room: Room = None,
    title: Annotated[str | None, typer.Option(help="Title of the session.")] = None,
    mode: Mode = None,
    pace: Pace = None,
    fps: Fps = None,
    loop: Loop = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes; 0: one per core.")] = None,
    engines: Engines = None,
    port: Annotated[
        int | None, typer.Option(help="Port of the live page; 0: any free one.")
    ] = None,
    log_format: LogFormat = None,
) -> None:
    """Everything on this machine, from cameras to the live page. Without sources: the demo room."""
    from readroom.ingest.sources import check_source, parse_sources
    from readroom.models.choice import available, describe
    from readroom.preflight import check
    from readroom.run import run

    settings = load_settings(
        sources=tuple(sources) if sources else None,
        room=room,
        title=title,
        ingest={"mode": mode, "pace": pace, "fps": fps, "loop": loop},
        workers={"count": workers, "engines": engines},
        http={"port": port},
        log_format=log_format,
    )
    cameras = parse_sources(settings.sources or ("demo:",))
    for camera in cameras:
        check_source(camera)
    settings = _settled(settings, cameras)
    for choice in available(settings):
        if choice.broken:
            raise BadSettings(choice.reason)
    check(settings)
    _end(
        run_box(
            "run",
            "supervisor",
            settings,
            lambda box: run(box, cameras, describe(settings)),
            port=settings.http.box_port,
        )
    )


@app.command()
def ingest(
    source: Annotated[str | None, typer.Argument(help="The camera, as NAME=SOURCE.")] = None,
    room: Room = None,
    mode: Mode = None,
    pace: Pace = None,
    fps: Fps = None,
    loop: Loop = None,
    log_format: LogFormat = None,
) -> None:
    """One camera into the frames stream. A source with a password is better given in
    READROOM_SOURCES than on the command line."""
    from readroom.ingest.process import main as ingest_main
    from readroom.ingest.sources import check_source, parse_sources

    settings = load_settings(
        sources=(source,) if source else None,
        room=room,
        ingest={"mode": mode, "pace": pace, "fps": fps, "loop": loop},
        log_format=log_format,
    )
    cameras = parse_sources(settings.sources)
    if len(cameras) != 1:
        raise BadSettings(
            f"sources: an ingest process reads one camera, {len(cameras)} are given: start one "
            "process each, or use `readroom run`"
        )
    camera = cameras[0]
    check_source(camera)
    settings = _settled(settings, cameras)
    _box("ingest", camera.name, settings, lambda box: ingest_main(box, camera.name, camera.source))


@app.command()
def work(
    name: Annotated[
        str, typer.Option(help="The worker's name, unique in its room; {host}: this host's name.")
    ] = "w1",
    room: Room = None,
    engines: Engines = None,
    device: Annotated[str | None, typer.Option(help="cpu; GPUs are not served yet.")] = None,
    log_format: LogFormat = None,
) -> None:
    """A worker: frames in, faces, expressions and poses out."""
    from readroom.workers.process import main as work_main

    settings = load_settings(
        room=room, workers={"engines": engines, "device": device}, log_format=log_format
    )
    _box("work", name.replace("{host}", socket.gethostname()), _settled(settings), work_main)


@app.command()
def aggregate(room: Room = None, log_format: LogFormat = None) -> None:
    """The aggregator: observations in, timelines, metrics and the session store out."""
    from readroom.aggregator.process import main as aggregate_main

    settings = load_settings(room=room, log_format=log_format)
    port = settings.http.metrics_port
    _box("aggregate", "aggregator", _settled(settings), aggregate_main, port)


@app.command()
def live(
    room: Room = None,
    port: Annotated[int | None, typer.Option(help="Port of the page; 0: any free one.")] = None,
    log_format: LogFormat = None,
) -> None:
    """The live page's server."""
    from readroom.dashboards.live.server import main as live_main

    settings = load_settings(room=room, http={"port": port}, log_format=log_format)
    _box("live", "live", _settled(settings), live_main)


@app.command()
def demo(
    clip: Annotated[
        str | None, typer.Option(help="classroom: a public sample clip instead of the demo room.")
    ] = None,
) -> None:
    """The demo room, or a public sample clip from its own address."""
    if clip is None:
        run_command()
        return
    from readroom.models.clips import fetch_clip

    path, attribution = fetch_clip(load_settings(), clip)
    typer.echo(attribution)
    run_command(sources=[f"{clip}={path}"])


@app.command()
def doctor(
    sources: Sources = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """What is installed, which Redis, which networks, which cameras answer, what would run."""
    from readroom.doctor import examine, render

    report = examine(load_settings(sources=tuple(sources) if sources else None))
    typer.echo(json.dumps(report, indent=2) if as_json else render(report))
    _end(0 if report["ok"] else 1)


@app.command("health")
def health_command(
    box: Annotated[BoxKind, typer.Argument(help="The box on this machine that is asked.")],
) -> None:
    """Whether a box that runs here is well (exit code 0) or not (1): for container engines."""
    from readroom.health import health

    well, detail = health(load_settings(), box)
    typer.echo(detail)
    _end(0 if well else 1)


@app.command("purpose")
def purpose_command(
    value: Annotated[
        str | None,
        typer.Argument(metavar="[PURPOSE]", help="What the read-out is for; none: show it."),
    ] = None,
    room: Room = None,
) -> None:
    """What a room's read-out is for; workplace and education forbid expressions (AI Act)."""
    settings = load_settings(room=room)
    if value is not None:
        said = purposes.answered(purposes.named(value.lower()), time.time())
        purposes.keep(settings.data, settings.room, said)
    typer.echo(purposes.describe(settings, commands.running_purpose(settings)))


@app.command()
def check(
    seconds: Annotated[
        float, typer.Option(min=1, max=600, help="How long the room is looked at, s.")
    ] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    room: Room = None,
) -> None:
    """Before the talk: who in a running room can be read, who can't, why, and what would help."""
    from rich.console import Console

    from readroom.dashboards.check import as_data, check as check_room, show

    settings = load_settings(room=room)
    with commands.running_room(settings) as client:
        report = check_room(client, settings.room, seconds, settings.workers.min_face_px)
    words = vocabulary(report.purpose in WITHOUT_EMOTION)
    if as_json:
        typer.echo(json.dumps(as_data(report, words), indent=2, ensure_ascii=False))
    else:
        show(report, words, Console())
    _end(0 if report.ok else 1)


@session_app.command("start")
def session_start(
    title: Annotated[str, typer.Argument(help="Title of the session.")] = "", room: Room = None
) -> None:
    """Begin a session: from now on, what is read is stored."""
    _command(room, "start", text=title)


@session_app.command("stop")
def session_stop(room: Room = None) -> None:
    """End the running session."""
    _command(room, "stop")


@session_app.command("title")
def session_title(title: Annotated[str, typer.Argument()], room: Room = None) -> None:
    """Give the running session another title."""
    _command(room, "title", text=title)


@session_app.command("note")
def session_note(text: Annotated[str, typer.Argument()], room: Room = None) -> None:
    """Add a note to the running session."""
    _command(room, "note", text=text)


@session_app.command("merge")
def session_merge(
    person: Annotated[str, typer.Argument(help="P1")],
    other: Annotated[str, typer.Argument(help="P2, who is the same person.")],
    room: Room = None,
) -> None:
    """Say that two people are one, seen by two cameras."""
    _command(room, "merge", slot=commands.slot_of(person), other=commands.slot_of(other))


@session_app.command("split")
def session_split(
    person: Annotated[str, typer.Argument(help="P1")],
    camera: Annotated[str, typer.Option(help="The camera that sees somebody else.")],
    room: Room = None,
) -> None:
    """Say that who a camera sees as a person is somebody else."""
    _command(room, "split", slot=commands.slot_of(person), camera=camera)


@session_app.command("rename")
def session_rename(
    person: Annotated[str, typer.Argument(help="P2")],
    name: Annotated[str, typer.Argument(help="What they are called; none: nothing.")] = "",
    room: Room = None,
) -> None:
    """Call a person by a name, in this session."""
    _command(room, "rename", slot=commands.slot_of(person), text=name)


@app.command()
def mark(
    label: Annotated[str, typer.Argument(help='What happens now: "pricing slide".')],
    room: Room = None,
) -> None:
    """Mark this moment of a running room."""
    settings = load_settings(room=room)
    _send(settings, commands.marker(settings.room, label))


@app.command("analyse")
def analyse_command(
    files: Annotated[
        list[str],
        typer.Argument(
            help="A video; several are cameras of one meeting, in step. Or pictures, or a folder "
            "of pictures. Put -- before a name that begins with a dash."
        ),
    ],
    report: Annotated[
        Path | None, typer.Option(help="Write a report of the video here: talk.html.")
    ] = None,
    pdf: Annotated[Path | None, typer.Option(help="Write the report as PDF here.")] = None,
    out: Annotated[
        Path | None, typer.Option("--json", help="Write what was found as JSON here; -: print it.")
    ] = None,
    title: Annotated[
        str | None, typer.Option(help="Title of the session; none: the file's name.")
    ] = None,
    fps: Fps = None,
    marker: Annotated[
        list[str] | None,
        typer.Option(help='Mark a moment of the video: 12.5="pricing". May be repeated.'),
    ] = None,
    annotate: Annotated[
        Path | None,
        typer.Option(help="Write copies of the pictures, with boxes and labels, into this folder."),
    ] = None,
    room: Room = None,
    log_format: LogFormat = None,
) -> None:
    """A recorded video from beginning to end, as fast as this machine can, into the session store;
    or single pictures, as a table. docs/analyse.md has examples."""
    from readroom.analysing import command, outputs, video

    pictures, videos = command.sort_out(files)
    wanted = outputs.Outputs(report, pdf, out)
    given = {"--report": report, "--pdf": pdf, "--title": title, "--fps": fps, "--marker": marker}
    if pictures:
        command.refuse_options(given, "says something of a video", "the files are pictures")
    else:
        command.refuse_options({"--annotate": annotate}, "is for pictures", "the files are videos")
    settings = load_settings(
        room=room or video.ROOM,
        title=title,
        markers=tuple(marker) if marker else None,
        ingest={"fps": fps},
        log_format=log_format,
    )
    outputs.check_outputs(wanted, [*pictures, *videos], settings.chromium)
    settings = purposes.settle(
        settings, real_camera=True, ask=purposes.asker(sys.stdin, sys.stderr)
    )
    if notice := purposes.notice(settings):
        typer.echo(notice, err=True)
    if pictures:
        _end(command.analyse_photos(settings, pictures, out, annotate))
    _end(video.analyse_videos(settings, videos, wanted, own_room=room is None))


@app.command()
def record(
    out: Annotated[Path, typer.Option(help="The new file: talk.parquet.")],
    session: Annotated[
        str | None,
        typer.Option(help="A session of the last ten minutes; none: the running or next."),
    ] = None,
    finish: Annotated[
        bool, typer.Option("--finish", help="Make the file of what a cut-off recording left.")
    ] = False,
    room: Room = None,
) -> None:
    """Record a running room as a table, for whoever studies it. Ends with the session, or with
    Ctrl-C. A row for each person four times a second: expressions, actions, keypoints, markers; no
    pictures. Parquet (extra `record`); docs/semantics/table.md explains the columns."""
    from readroom.dashboards.record import table

    if finish:
        rows = table.finish(out)
        typer.echo(f"{rows} rows in {out}" if rows else "no whole part was left: no table is made")
        return
    table.arrow()
    table.check_place(out)
    _record(load_settings(room=room), out, session)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The new file that the backup is written to.")],
) -> None:
    """Copy the session store into one file, also while rooms run. Keep it as safe as the store: it
    holds the same sessions, and erasing doesn't reach it."""
    from readroom.sessions.backup import backup as make

    made = make(load_settings().data, file)
    typer.echo(f"{made.sessions} session(s), {made.size / 1e6:.1f} MB, in {made.path}")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `readroom backup` wrote.")],
) -> None:
    """Add a backup's sessions to the session store, also while rooms run. A session that is there
    already stays as it is."""
    from readroom.sessions.backup import restore as add

    settings = load_settings()
    result = add(settings.data, file)
    for name in result.added:
        typer.echo(f"added {name}")
    for name in result.kept:
        typer.echo(f"kept {name}: it is there already")
    typer.echo(f"{len(result.added)} session(s) added to {settings.data}")


@app.command()
def erase(
    session: Annotated[
        str | None, typer.Argument(help="Name of the session, in full; none: which there are.")
    ] = None,
    person: Annotated[
        str | None, typer.Option(help="Only this person, as on the page: P3.")
    ] = None,
    number: Annotated[
        int | None, typer.Option(help="Only this person, by number, where several were P3.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Erase a session, or one person of it, for good. Shows the rows before and after as proof. The
    session must have ended; backups and recorded tables aren't reached."""
    from readroom.sessions import erasing, retention
    from readroom.sessions.backup import readable
    from readroom.sessions.choosing import named
    from readroom.sessions.timelines import Timelines

    folder = load_settings().data
    if retention.finish(folder):
        typer.echo("finished an erasure that had been cut off")
    with readable(folder):
        timelines = Timelines(folder)
        if session is None:
            typer.echo(erasing.listing(timelines.sessions()))
            return
        found, people = named(timelines.sessions(), session), timelines.people(session)
    who = None
    if number is not None:
        who = erasing.person_numbered(people, number, session)
    elif person is not None:
        who = erasing.person_in(people, commands.slot_of(person), session)
    if not (yes or _agreed(erasing.question(found, who))):
        typer.echo("nothing was erased")
        _end(1)
    if who is None:
        erased = retention.erase_session(folder, session)
    else:
        erased = retention.erase_person(folder, session, who.person)
    typer.echo(erasing.proof(erased))
    _end(0 if erased.complete else 1)


@grafana_app.command("push")
def grafana_push(
    folder: Annotated[
        str, typer.Option(help="Title of the folder, where it has to be made.")
    ] = "readroom",
    room: Room = None,
) -> None:
    """Push the dashboards Room, People and Operations: new ones are made, changed ones updated
    (extra `grafana`; READROOM_GRAFANA__URL and READROOM_GRAFANA__TOKEN). Where the room's purpose
    forbids inferring emotions, those without any."""
    from readroom.dashboards.grafana.connection import Grafana
    from readroom.dashboards.grafana.push import push

    settings = purposes.settle(load_settings(room=room), real_camera=False, ask=None)
    grafana = Grafana(settings.grafana)
    for line in push(grafana, folder, without_emotion=settings.without_emotion):
        typer.echo(line)


@grafana_app.command("annotate")
def grafana_annotate(
    session: Annotated[
        str | None,
        typer.Argument(help="The session's name, a beginning, or `last`; none: the room's newest."),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="The running session, as it goes on.")
    ] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove them again; by the name in full.")
    ] = False,
    room: Room = None,
) -> None:
    """Write a session's markers and main moments as annotations; twice adds nothing (extra
    `grafana`; READROOM_GRAFANA__URL and READROOM_GRAFANA__TOKEN)."""
    from readroom.dashboards.grafana.annotate import annotate_stored, remove_session
    from readroom.dashboards.grafana.connection import Grafana

    if (follow and (session or remove)) or (remove and not session):
        raise BadSettings(
            "grafana annotate: name a session (--remove needs one), or --follow the running one"
        )
    settings = purposes.settle(load_settings(room=room), real_camera=False, ask=None)
    grafana = Grafana(settings.grafana)
    if follow:
        typer.echo(_follow_into(grafana, settings))
    elif remove:
        typer.echo(remove_session(grafana, session or ""))
    else:
        silent = settings.without_emotion
        typer.echo(
            annotate_stored(grafana, settings.data, settings.room, session, without_emotion=silent)
        )


@app.command()
def report(
    session: Annotated[
        str, typer.Argument(help="The session's name, a beginning that only it has, or `last`.")
    ],
    compare: Annotated[
        str | None, typer.Option(help="Another session to put it beside: how it was last time.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The HTML file; default: readroom-SESSION.html, here.")
    ] = None,
    pdf: Annotated[
        Path | None, typer.Option(help="Print it as PDF into this file, too (needs Chromium).")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder of the session store (READROOM_DATA).")
    ] = None,
) -> None:
    """A session as one HTML file: summary, curve, strips, markers, moments, what it rests on."""
    from readroom.dashboards.report.command import report as make

    settings = purposes.settle(load_settings(data=data), real_camera=False, ask=None)
    lines = make(
        settings.data,
        session,
        compare=compare,
        out=out,
        pdf=pdf,
        chromium=settings.chromium,
        made_at=time.time(),
        without_emotion=settings.without_emotion,
    )
    for line in lines:
        typer.echo(line)


@app.command()
def export(
    session: Annotated[
        str, typer.Argument(help="The session's name, a beginning that only it has, or `last`.")
    ],
    out: Annotated[Path, typer.Option(help="A folder (csv, parquet) or a file (json).")],
    form: Annotated[str, typer.Option("--format", help="csv, json or parquet.")] = "csv",
    pseudonyms: Annotated[
        bool, typer.Option("--pseudonyms", help="Leave people's names out.")
    ] = False,
    data: Annotated[
        Path | None, typer.Option(help="Folder of the session store (READROOM_DATA).")
    ] = None,
) -> None:
    """A session's data as CSV, JSON or Parquet (extra `record`), with a data dictionary."""
    from readroom.dashboards.report.command import export_session

    settings = purposes.settle(load_settings(data=data), real_camera=False, ask=None)
    lines = export_session(
        settings.data,
        session,
        out,
        form,
        pseudonyms=pseudonyms,
        made_at=time.time(),
        without_emotion=settings.without_emotion,
    )
    for line in lines:
        typer.echo(line)


@models_app.command("list")
def models_list() -> None:
    """The networks this program knows, and where each is found."""
    from readroom.models.choice import render_list

    typer.echo(render_list(load_settings()))


@models_app.command("pull")
def models_pull(
    names: Annotated[
        list[str] | None, typer.Argument(help="Networks; default: all public.")
    ] = None,
) -> None:
    """Fetch public networks into the cache, checked by SHA-256; goes on where it broke off."""
    from readroom.models.pull import pull

    pull(load_settings(), names or [])


@app.command(
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    }
)
def lab(context: typer.Context) -> None:
    """The lab: data, baseline, train, evaluate, explain and export networks (extra `lab`)."""
    from readroom.models.lab.cli import app as lab_app

    lab_app(args=context.args, prog_name="readroom lab")


class _Camera(Protocol):
    @property
    def kind(self) -> str: ...


def _settled(settings: Settings, cameras: Sequence[_Camera] = ()) -> Settings:
    """The settings with their purpose; it is asked for where a camera will see people."""
    settled = purposes.settle(
        settings,
        real_camera=any(camera.kind != "demo" for camera in cameras),
        ask=purposes.asker(sys.stdin, sys.stdout),
    )
    notice = purposes.notice(settled) if cameras else ""
    if notice and not supervised():
        typer.echo(notice)
    return settled


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise BadSettings(
            "erase asks before it erases anything, and there is no terminal to ask at; to erase "
            "without being asked, add --yes"
        )
    return typer.confirm(question)


def _record(settings: Settings, out: Path, session: str | None) -> None:
    """Record until the session ends, or this process is told to stop."""
    from readroom.dashboards.record.follow import record as follow

    settings = purposes.settle(settings, real_camera=False, ask=None)
    stopping = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    try:
        with commands.running_room(settings) as client:
            made = follow(
                client,
                Keys(settings.room),
                out,
                stopping=stopping,
                session=session,
                without_emotion=settings.without_emotion,
                say=typer.echo,
            )
    finally:
        signal.signal(signal.SIGTERM, before)
    if made.rows:
        typer.echo(f"{made.rows} rows of session {made.session} in {made.path}")
    else:
        typer.echo("nothing was recorded: there was nobody, or no session")


def _follow_into(grafana: Any, settings: Settings) -> str:
    """Annotate the running session until it ends, or this process is told to stop."""
    from readroom.dashboards.grafana.annotate import follow

    with _until_stopped() as stopping, commands.running_room(settings) as client:
        return follow(
            grafana,
            client,
            Keys(settings.room),
            stopping=stopping,
            without_emotion=settings.without_emotion,
            say=typer.echo,
        )


@contextmanager
def _until_stopped() -> Iterator[threading.Event]:
    """An event that Ctrl-C, or being told to stop, sets."""
    stopping = threading.Event()
    signals = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(one, lambda *_: stopping.set()) for one in signals]
    try:
        yield stopping
    finally:
        for one, handler in zip(signals, before, strict=True):
            signal.signal(one, handler)


def _command(room: str | None, verb: commands.Verb, **words: Any) -> None:
    settings = load_settings(room=room)
    _send(settings, commands.command(settings.room, verb, **words))


def _send(settings: Settings, message: Command | Marker) -> None:
    with commands.running_room(settings) as client:
        outcome = commands.ask(client, Keys(settings.room), message)
    if outcome is None:
        typer.echo(
            f"sent to room {settings.room}; its aggregator hasn't said within "
            f"{commands.ANSWER_S:g} s what became of it"
        )
    elif outcome.refused:
        raise ReadroomError(outcome.refused)
    else:
        typer.echo(f"done in room {settings.room}")


def _box(
    kind: str,
    name: str,
    settings: Settings,
    box_main: Callable[[Box], None],
    port: int | None = None,
) -> None:
    address(settings.redis)  # Without one nothing can work: say so before networks are loaded.
    port = settings.http.box_port if port is None else port

    def main(box: Box) -> None:
        # The page can be opened before there is a Redis, and goes by what it is handed.
        if kind == "live" or purposes.agree(box, leads=kind == "ingest"):
            box_main(box)

    _end(run_box(kind, name, settings, main, port=port))


def _end(code: int) -> None:
    raise typer.Exit(code)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; every error a person can mend is one redacted line."""
    try:
        app(args=arguments, prog_name="readroom")
    except KeyboardInterrupt:  # Before a box has its own way of ending.
        sys.exit(EXIT_INTERRUPTED)
    except ReadroomError as error:
        print(f"readroom: {redact(str(error))}", file=sys.stderr)
        sys.exit(error.exit_code)
