"""All dashboards, for rooms whose expressions may be read and for those whose may not."""

from __future__ import annotations

from readroom.dashboards.grafana.operations import operations_board
from readroom.dashboards.grafana.panels import Board
from readroom.dashboards.grafana.people import people_board
from readroom.dashboards.grafana.room import room_board


def boards(without_emotion: bool) -> tuple[Board, ...]:
    """*Room*, *People* and *Operations*."""
    return room_board(without_emotion), people_board(without_emotion), operations_board()
