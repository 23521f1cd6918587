"""Dashboards into a running Grafana: new ones made, changed ones updated, the same left alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from readroom import __version__
from readroom.dashboards.grafana.boards import boards
from readroom.dashboards.grafana.connection import Grafana, Missing
from readroom.dashboards.grafana.panels import JSON, as_json

#: The folder that dashboards go into, as Grafana knows it; its title may be changed there.
FOLDER_UID: Final = "readroom"
#: What Grafana adds to a dashboard that it keeps.
_OWN: Final = ("id", "version")


def push(grafana: Grafana, folder: str, *, without_emotion: bool) -> Iterator[str]:
    """Push every dashboard, and tell of each what became of it: a line. ``folder`` is the title of
    the folder, where it has to be made. Raises ReadroomError."""
    _ensure_folder(grafana, folder)
    for board in boards(without_emotion):
        yield f"{board.title}: {_push(grafana, as_json(board))}"


def _ensure_folder(grafana: Grafana, title: str) -> None:
    try:
        grafana.get(f"/folders/{FOLDER_UID}")
    except Missing:
        grafana.post("/folders", {"uid": FOLDER_UID, "title": title})


def _push(grafana: Grafana, board: JSON) -> str:
    there = _kept(grafana, board["uid"])
    if there is not None and _same(there, board):
        return "unchanged"
    # With the version that was read: what somebody saves in between isn't overwritten unseen.
    version = {} if there is None else {"id": there["id"], "version": there["version"]}
    answer = grafana.post(
        "/dashboards/db",
        {
            "dashboard": {**board, **version},
            "folderUid": FOLDER_UID,
            "message": f"readroom {__version__}",
            "overwrite": False,
        },
    )
    return f"{'made' if there is None else 'updated'}, {grafana.url}{_path(answer)}"


def _kept(grafana: Grafana, uid: str) -> JSON | None:
    """The dashboard as Grafana keeps it, None where it has none."""
    try:
        found: JSON = grafana.get(f"/dashboards/uid/{uid}")["dashboard"]
    except Missing:
        return None
    return found


def _same(there: JSON, board: JSON) -> bool:
    return {key: value for key, value in there.items() if key not in _OWN} == board


def _path(answer: Any) -> str:
    """Where a browser finds it, below Grafana's address."""
    path = answer.get("url", "") if isinstance(answer, dict) else ""
    # Served under a path, Grafana says that path too, which the address has already.
    return "/d/" + path.split("/d/", 1)[1] if "/d/" in path else path
