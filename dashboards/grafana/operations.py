"""The *Operations* dashboard: whether cameras, workers, Redis and the store are well."""

from __future__ import annotations

from readroom.dashboards.grafana.panels import (
    Board,
    Panel,
    Section,
    Target,
    heatmap,
    stat,
    table,
    timeline,
    timeseries,
)
from readroom.dashboards.grafana.rules import RECORDINGS
from readroom.dashboards.grafana.variables import CAMERA, ROOM
from readroom.metrics import CAMERA_PHASES
from readroom.words import vocabulary

_ROOM = '{room="$room"}'
_CAMERA = '{room="$room",camera=~"$camera"}'
_WINDOW = "[$__rate_interval]"
_LOST, _AGE, _COMMIT = (recording.name for recording in RECORDINGS)
#: Grafana's own colours, which follow its theme.
_PHASES = {
    "connecting": "yellow",
    "streaming": "green",
    "retrying": "red",
    "ended": "blue",
    "stopped": "text",
}
_GOOD_OR_NOT = ((None, "green"), (1.0, "red"))


def operations_board() -> Board:
    """The dashboard. It is about machines, and the same whatever a room may read."""
    return Board(
        uid="readroom-operations",
        title="readroom: Operations",
        description="Frames, delays, processes and stores of a room.",
        sections=(
            Section("Now", _now()),
            Section("Cameras and frames", _frames()),
            Section("Delay", _delay()),
            Section("Networks", _networks()),
            Section("Processes", _processes()),
            Section("Redis and the session store", _stores()),
        ),
        variables=(ROOM, CAMERA),
        since="now-30m",
    )


def _rate(name: str, by: str, labels: str = _CAMERA) -> str:
    return f"sum by ({by}) (rate({name}{labels}{_WINDOW}))"


def _mean(name: str, by: str) -> str:
    """The mean of a histogram's values over the window."""
    return f"{_rate(f'{name}_sum', by, _ROOM)} / {_rate(f'{name}_count', by, _ROOM)}"


def _now() -> tuple[Panel, ...]:
    delivering = 'count(readroom_camera_phase{room="$room",phase="streaming"} == 1) or vector(0)'
    failing = f"max(readroom_store_failing{_ROOM})"
    dead = f"sum(increase(readroom_dead_letters_total{_ROOM}[1h]))"
    restarts = f"sum(increase(readroom_restarts_total{_ROOM}[1h]))"
    return (
        stat("Cameras delivering", "Cameras that deliver pictures now.", Target(delivering)),
        stat(
            "Processes scraped",
            "Processes that answered Prometheus's last question, of every room that it knows.",
            Target('count(up{job="readroom"} == 1) or vector(0)'),
        ),
        stat(
            "Store",
            "0: the session store is written. 1: it can't be; what is seen is kept in memory.",
            Target(failing),
            steps=_GOOD_OR_NOT,
        ),
        stat(
            "Restarts, 1 h",
            "Processes that died and were started again by `readroom run` in the last hour. Where "
            "something else starts them, nothing is known here.",
            Target(restarts),
            steps=_GOOD_OR_NOT,
        ),
        stat(
            "Dead letters, 1 h",
            "Stream entries that nobody could read in the last hour.",
            Target(dead),
            steps=_GOOD_OR_NOT,
        ),
        stat(
            "Viewers",
            "Live pages that are open, in whatever browser.",
            Target(f"sum(readroom_live_viewers{_ROOM})"),
        ),
    )


def _cameras() -> Panel:
    """One line a camera, from a series of 0 and 1 for each phase."""
    phase = 'max by (camera) (readroom_camera_phase{room="$room",camera=~"$camera",phase="%s"})'
    said = vocabulary(True).phases
    return timeline(
        "Cameras",
        "Which phase each camera is in, as the aggregator knows it. A recording that is over has "
        "been played to its end; a live camera that is lost is tried again.",
        Target(
            " + ".join(f"{n} * {phase % name}" for n, name in enumerate(CAMERA_PHASES)),
            "{{camera}}",
        ),
        {n: (said[name], _PHASES[name]) for n, name in enumerate(CAMERA_PHASES)},
        height=6,
    )


def _frames() -> tuple[Panel, ...]:
    return (
        _cameras(),
        timeseries(
            "Frames in and out",
            "Frames per second: published by ingest, finished by workers, in the timelines. Lines "
            "that part show where frames stay behind. With several lanes workers finish a frame "
            "once a lane.",
            Target(_rate("readroom_frames_ingested_total", "camera"), "{{camera}} ingested"),
            Target(_rate("readroom_frames_analysed_total", "camera"), "{{camera}} analysed"),
            Target(_rate("readroom_frames_joined_total", "camera"), "{{camera}} in timelines"),
            unit="suffix: frames/s",
        ),
        timeseries(
            "Dropped frames",
            "Frames per second that were captured and not analysed, by reason. rate: above the "
            "analysis rate that was asked for, which is no loss.",
            Target(
                _rate("readroom_frames_dropped_total", "camera, reason"), "{{camera}} {{reason}}"
            ),
            unit="suffix: frames/s",
            quiet=True,
        ),
        timeseries(
            "Share lost",
            "Share of frames that were captured and lost, over 5 minutes; what is above the "
            "analysis rate isn't counted.",
            Target(f"max by (camera) ({_LOST}{_CAMERA})", "{{camera}}"),
            unit="percentunit",
            bounds=(0.0, None),
        ),
        timeseries(
            "Frames passed over by workers",
            "Frames per second that a worker was handed and ran nothing on, by reason. cadence is "
            "meant so; stale: newer ones were waiting.",
            Target(
                f"{_rate('readroom_frames_skipped_total', 'reason')} or on() vector(0)",
                "{{reason}}",
            ),
            unit="suffix: frames/s",
            quiet=True,
        ),
        timeseries(
            "Reconnects",
            "How often a camera was lost and tried again in the window of each point, by reason.",
            Target(
                "sum by (camera, reason) "
                f"(increase(readroom_camera_reconnects_total{_CAMERA}{_WINDOW}))",
                "{{camera}} {{reason}}",
            ),
            bars=True,
            quiet=True,
        ),
        timeseries(
            "Faces in view",
            "People whose face each camera sees now: somebody whom two see counts in both.",
            Target(f"max by (camera) (readroom_people_visible{_CAMERA})", "{{camera}}"),
        ),
    )


def _delay() -> tuple[Panel, ...]:
    buckets = f"sum by (le) (increase(readroom_frame_age_seconds_bucket{_CAMERA}{_WINDOW}))"
    return (
        heatmap(
            "Age of frames",
            "From capture until a frame's results are in the metrics. Of a recording the time "
            "since it was read counts, the wait for a full stream with it.",
            Target(buckets, "{{le}}", form="heatmap"),
            "s",
        ),
        timeseries(
            "Age of frames, 95th percentile",
            "95 % of the frames of the last 5 minutes were younger than this. It is interpolated "
            "within the histogram's buckets.",
            Target(f"max by (camera) ({_AGE}{_CAMERA})", "{{camera}}"),
            unit="s",
        ),
        timeseries(
            "Lag",
            "Newest captured-at minus last processed captured-at. An alert comes at 2 s.",
            Target(f"max by (camera) (readroom_lag_seconds{_CAMERA})", "{{camera}}"),
            unit="s",
        ),
        timeseries(
            "Time per stage",
            "Mean time spent on one frame in each stage. read of a live camera holds the wait for "
            "its next picture.",
            Target(_mean("readroom_stage_seconds", "stage"), "{{stage}}"),
            unit="s",
        ),
    )


def _networks() -> tuple[Panel, ...]:
    return (
        timeseries(
            "Time per run",
            "Mean time of one network run, whole batches as one, by engine.",
            Target(_mean("readroom_inference_seconds", "engine"), "{{engine}}"),
            unit="s",
        ),
        timeseries(
            "Batch size",
            "Mean number of items (frames, or faces and people in them) in one network run.",
            Target(_mean("readroom_batch_size", "engine"), "{{engine}}"),
        ),
        table(
            "Networks",
            "Which network each engine runs. One whose name ends in a hash was brought along.",
            Target(
                f"max by (engine, model) (readroom_model_info{_ROOM})", form="table", instant=True
            ),
            {"engine": "Engine", "model": "Network"},
        ),
        table(
            "Versions",
            "Which version of readroom runs, in which kind of process. All should be the same.",
            Target(
                f"max by (box, version) (readroom_build_info{_ROOM})", form="table", instant=True
            ),
            {"box": "Process", "version": "Version"},
        ),
    )


def _processes() -> tuple[Panel, ...]:
    return (
        timeseries(
            "Processes",
            "Processes that have told the room of themselves within 10 s, by kind.",
            Target(f"max by (stage) (readroom_boxes{_ROOM})", "{{stage}}"),
        ),
        timeseries(
            "Answering Prometheus",
            "1: the process answered, 0: it didn't. Of every room that Prometheus knows.",
            Target('max by (box, instance) (up{job="readroom"})', "{{box}} {{instance}}"),
            bounds=(0.0, 1.0),
        ),
        timeseries(
            "Memory",
            "Memory that each process holds; where the system doesn't say it (macOS), the most "
            "that it ever held. Shared memory counts in every process that uses it.",
            Target(
                f"max by (box, instance) (readroom_process_memory_bytes{_ROOM})",
                "{{box}} {{instance}}",
            ),
            unit="bytes",
        ),
        timeseries(
            "Restarts",
            "Processes that died and were started again in the window of each point, by kind.",
            Target(
                f"sum by (stage) (increase(readroom_restarts_total{_ROOM}{_WINDOW}))",
                "{{stage}}",
            ),
            bars=True,
            quiet=True,
        ),
    )


def _stores() -> tuple[Panel, ...]:
    return (
        timeseries(
            "Redis memory",
            "What Redis uses, and what it may use (0: no limit is set). Full, it takes no frames.",
            Target(f"max(readroom_redis_memory_bytes{_ROOM})", "used"),
            Target(f"max(readroom_redis_maxmemory_bytes{_ROOM})", "limit"),
            unit="bytes",
        ),
        timeseries(
            "Redis errors",
            "Commands that failed and were survived in the window of each point, by reason.",
            Target(
                f"sum by (reason) (increase(readroom_redis_errors_total{_ROOM}{_WINDOW}))",
                "{{reason}}",
            ),
            bars=True,
            quiet=True,
        ),
        timeseries(
            "Time per commit",
            "Time of one commit of the session store: mean, and 95th percentile over 5 minutes.",
            Target(
                f"sum(rate(readroom_store_commit_seconds_sum{_ROOM}{_WINDOW})) / "
                f"sum(rate(readroom_store_commit_seconds_count{_ROOM}{_WINDOW}))",
                "mean",
            ),
            Target(f"max({_COMMIT}{_ROOM})", "95th percentile"),
            unit="s",
        ),
        timeseries(
            "Failed commits",
            "Commits of the session store that failed in the window of each point. Their rows are "
            "kept and tried again.",
            Target(f"sum(increase(readroom_store_errors_total{_ROOM}{_WINDOW}))", "failed"),
            bars=True,
        ),
        timeseries(
            "Dead letters",
            "Stream entries that nobody could read in the window of each point, by reason.",
            Target(
                f"sum by (reason) (increase(readroom_dead_letters_total{_ROOM}{_WINDOW}))",
                "{{reason}}",
            ),
            bars=True,
            quiet=True,
        ),
        timeseries(
            "Observations that came late or twice",
            "Results per second that came after their frame's turn, or once more. Some are usual "
            "after a restart.",
            Target(_rate("readroom_observations_late_total", "room", _ROOM), "late"),
            Target(_rate("readroom_observations_duplicate_total", "room", _ROOM), "twice"),
            Target(_rate("readroom_people_overflow_total", "room", _ROOM), "people without a slot"),
            unit="suffix: /s",
        ),
    )
