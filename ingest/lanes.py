"""Which lane holds a recording up, and what its operator can do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from readroom.streams import Client, acknowledged_up_to

#: A worker asks for frames at least this often, s; one that hasn't for longer is gone, or hangs.
SILENT_S = 10.0


def laggards(client: Client, stream: str, lanes: Sequence[str]) -> list[str]:
    """A line for each lane that has acknowledged nothing of what the stream holds: these, and
    no others, keep it full.

    Raises redis.exceptions.ResponseError ("no such key") where the stream isn't there.
    """
    groups = {group["name"] for group in client.xinfo_groups(stream)}
    return [
        _line(lane, working=lane.encode() in groups and _has_worker(client, stream, lane))
        for lane in lanes
        if _acknowledged_nothing(client, stream, lane)
    ]


def _acknowledged_nothing(client: Client, stream: str, lane: str) -> bool:
    safe = acknowledged_up_to(client, stream, (lane,))
    return safe is None or not client.xrange(stream, max=cast(Any, b"(" + safe), count=1)


def _has_worker(client: Client, stream: str, lane: str) -> bool:
    # A consumer that died stays in the list, so only its silence tells.
    consumers = client.xinfo_consumers(stream, lane)
    return any(consumer["idle"] < SILENT_S * 1000 for consumer in consumers)


def _line(lane: str, *, working: bool) -> str:
    command = f"`readroom work --engines {lane.replace('+', ',')}`"
    if working:
        return f"lane {lane} is too slow: start another {command}"
    return f"lane {lane} has no worker that reads: start {command}"
