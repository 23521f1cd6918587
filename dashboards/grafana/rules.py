"""What Prometheus computes beside the panels: recording rules, and alerts with what to do.

The one source of deploy/prometheus/rules/ and of Grafana's own alerts in deploy/grafana/. An alert
says what is wrong in its summary and what to do in its description.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Recording:
    """A series that is computed once, for panels and alerts: ``level:metric:operation``."""

    name: str
    expr: str


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert: fires where ``expr`` has had a result for ``for_s`` seconds."""

    name: str
    title: str
    expr: str
    for_s: int
    severity: Literal["info", "warning", "critical"]
    summary: str
    description: str

    @property
    def uid(self) -> str:
        """What Grafana knows it by."""
        words = "".join(f"-{c.lower()}" if c.isupper() else c for c in self.name)
        return words.lstrip("-")


_JOINED: Final = "sum by (room, camera) (rate(readroom_frames_joined_total[5m]))"
#: A rate that was asked for is no loss.
_LOST: Final = 'sum by (room, camera) (rate(readroom_frames_dropped_total{reason!="rate"}[5m]))'
_BUCKETS: Final = "rate(readroom_frame_age_seconds_bucket[5m])"
_COMMITS: Final = "rate(readroom_store_commit_seconds_bucket[5m])"

RECORDINGS: Final = (
    Recording(
        "room_camera:readroom_frames_lost:ratio_rate5m",
        f"{_LOST} / clamp_min({_LOST} + {_JOINED}, 1e-9)",
    ),
    Recording(
        "room_camera:readroom_frame_age_seconds:p95_rate5m",
        f"histogram_quantile(0.95, sum by (room, camera, le) ({_BUCKETS}))",
    ),
    Recording(
        "room:readroom_store_commit_seconds:p95_rate5m",
        f"histogram_quantile(0.95, sum by (room, le) ({_COMMITS}))",
    ),
)

_START: Final = "readroom_process_start_time_seconds"
#: Starts in the last 10 minutes, where no supervisor of ours counts them: one process three times
#: at its address, or a kind at other ports, three at least and more than it has processes: a whole
#: room that is started again by hand is at as many.
_PROCESSES: Final = f"count by (room, box) ({_START})"
_ADDRESSES: Final = f"count by (room, box) (count_over_time({_START}[10m]))"
_STARTED_AGAIN: Final = (
    f"max by (room, box) (changes({_START}[10m])) >= 3 "
    f"or ({_ADDRESSES} - {_PROCESSES} >= 3) > {_PROCESSES}"
)
_AWAY: Final = 'max by (room, camera) (readroom_camera_phase{phase=~"connecting|retrying"}) == 1'
_STILL: Final = (
    'max by (room, camera) (readroom_camera_phase{phase="streaming"}) == 1 and on (room, camera) '
    "sum by (room, camera) (increase(readroom_frames_joined_total[1m])) == 0"
)

ALERTS: Final = (
    Alert(
        "ReadroomCameraSilent",
        "A camera is silent",
        f"({_AWAY}) or ({_STILL})",
        30,
        "critical",
        "Camera {{ $labels.camera }} of room {{ $labels.room }} gives no pictures",
        "Is it switched on and connected, is its address right? The page says why it is retried, "
        "and so does readroom_camera_reconnects_total by reason. Where it delivers and nothing "
        "arrives, see whether workers run: `readroom doctor`.",
    ),
    Alert(
        "ReadroomLag",
        "The read-out is behind",
        "max by (room, camera) (readroom_lag_seconds) > 2",
        60,
        "warning",
        "Camera {{ $labels.camera }} of room {{ $labels.room }} is more than 2 s behind",
        "Workers can't keep up: start more of them, lower the analysis rate (--fps), or run an "
        "engine less often (READROOM_WORKERS__POSE_EVERY=3).",
    ),
    Alert(
        "ReadroomFramesLost",
        "Frames are lost",
        "room_camera:readroom_frames_lost:ratio_rate5m > 0.1",
        300,
        "warning",
        "More than a tenth of the frames of camera {{ $labels.camera }} of room "
        "{{ $labels.room }} is lost",
        "The panel “Dropped frames” names the reason. stale, superseded, trimmed: workers can't "
        "keep up, so start more of them or lower --fps. out_of_memory: raise Redis's maxmemory. "
        "decode, undecodable: the camera sends broken pictures.",
    ),
    Alert(
        "ReadroomCrashLoop",
        "A process dies again and again",
        f"sum by (room, stage) (increase(readroom_restarts_total[5m])) >= 3 or {_STARTED_AGAIN}",
        0,
        "critical",
        "Processes of kind {{ $labels.stage }}{{ $labels.box }} of room {{ $labels.room }} keep "
        "dying",
        "The lines in the log before each restart say why (where they were started again by hand, "
        "nothing is wrong). `readroom doctor` checks networks, "
        "cameras and Redis. After more than 5 deaths in a minute `readroom run` ends.",
    ),
    Alert(
        "ReadroomStoreFailing",
        "The session store can't be written",
        "max by (room) (readroom_store_failing) == 1",
        30,
        "critical",
        "The session store of room {{ $labels.room }} can't be written",
        "Free or repair the disk that READROOM_DATA is on. What is seen meanwhile is kept in "
        "memory; after 10 minutes the aggregator ends, and what it hadn't stored is handed out "
        "again at its next start.",
    ),
    Alert(
        "ReadroomRedisNearLimit",
        "Redis is nearly full",
        "max by (room) (readroom_redis_memory_bytes) "
        "/ (max by (room) (readroom_redis_maxmemory_bytes) > 0) > 0.85",
        60,
        "warning",
        "Redis of room {{ $labels.room }} uses more than 85 % of its memory",
        "Raise its maxmemory (READROOM_REDIS__MAXMEMORY_MB for the private server): it takes "
        "cameras × stream_frames × frame size × 1.2. When it is full, frames are dropped with the "
        "reason out_of_memory.",
    ),
    Alert(
        "ReadroomBoxDown",
        "A process doesn't answer",
        'up{job="readroom"} == 0',
        60,
        "critical",
        "{{ $labels.box }} at {{ $labels.instance }} doesn't answer",
        "Where the room was stopped on purpose: nothing is wrong, silence it. Else look at the "
        "process's log and start it again; where only Prometheus can't reach it, see whether the "
        "address can be reached from here and whether the token is right (READROOM_HTTP__TOKEN).",
    ),
    Alert(
        "ReadroomBoxSilent",
        "A process is missing",
        # An ingest ends with its recording; one that died is told by ReadroomCameraSilent.
        'max by (room, stage) (readroom_boxes{stage!="ingest"}) '
        '< max by (room, stage) (max_over_time(readroom_boxes{stage!="ingest"}[15m]))',
        60,
        "warning",
        "Room {{ $labels.room }} has fewer processes of kind {{ $labels.stage }} than before",
        "One that was stopped on purpose is forgotten after 15 minutes. Else start it again; its "
        "log says why it ended.",
    ),
    Alert(
        "ReadroomDeadLetters",
        "Entries can't be read",
        "sum by (room, reason) (increase(readroom_dead_letters_total[5m])) > 0",
        0,
        "warning",
        "Entries of room {{ $labels.room }} were put aside: {{ $labels.reason }}",
        "version: run the same readroom everywhere. undecodable: something else writes into the "
        "streams. poison: an entry has killed its readers three times; report it with the log.",
    ),
    Alert(
        "ReadroomLowCoverage",
        "Few faces can be read",
        "max by (room) (readroom_coverage_ratio) < 0.3",
        300,
        "info",
        "Less than 30 % of the faces in room {{ $labels.room }} could be read for 5 minutes",
        "What the room's figures say rests on too little. `readroom check` says who can't be read "
        "and what would help: light, distance, where a camera stands.",
    ),
)
