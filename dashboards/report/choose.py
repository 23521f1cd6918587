"""Which session a command means: by its name, a beginning that only it has, or ``last``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from readroom.dashboards.report.words import moment
from readroom.errors import BadSettings
from readroom.sessions.timelines import StoredSession

LAST: Final = "last"
#: Sessions that are named where one isn't found.
NEWEST: Final = 5


def chosen(sessions: Sequence[StoredSession], wanted: str) -> str:
    """The name of the session that is meant. Raises BadSettings where there is none or more than
    one, with the newest there are."""
    if not sessions:
        raise BadSettings(
            f"session {wanted!r}: no session is stored; start one (`readroom run`), or set "
            "READROOM_DATA to where the store lies"
        )
    newest = sorted(sessions, key=lambda session: session.started_at, reverse=True)
    if wanted == LAST:
        return newest[0].name
    found = [s.name for s in newest if s.name == wanted]
    found = found or [s.name for s in newest if wanted and s.name.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        named = ", ".join(found[:NEWEST])
        raise BadSettings(
            f"session {wanted!r}: {len(found)} sessions begin so ({named}); name one in full"
        )
    told = "; ".join(f"{s.name} ({moment(s.started_at)})" for s in newest[:NEWEST])
    raise BadSettings(f"session {wanted!r}: no such session is stored; the newest are {told}")
