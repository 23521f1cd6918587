"""Which stored session is meant: one way for whatever asks for one.

Reading takes a name, a beginning that only one has, or ``last``. What can't be undone takes the
name in full: the newest session, or the only one of a day, is easily another than was meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from readroom.errors import BadSettings
from readroom.sessions.timelines import StoredSession
from readroom.words import moment

LAST: Final = "last"
#: Sessions that are named where one isn't found.
NEWEST: Final = 5


def chosen(sessions: Sequence[StoredSession], wanted: str) -> StoredSession:
    """The session that is meant, by name, by a beginning that only it has, or ``last``. Raises
    BadSettings where there is none or more than one, with the newest there are."""
    newest = _newest(sessions)
    if newest and wanted == LAST:
        return newest[0]
    found = [s for s in newest if s.name == wanted]
    found = found or [s for s in newest if wanted and s.name.startswith(wanted)]
    if len(found) > 1:
        told = ", ".join(session.name for session in found[:NEWEST])
        raise BadSettings(
            f"session {wanted!r}: {len(found)} sessions begin so ({told}); name one in full"
        )
    if not found:
        raise _none(newest, wanted)
    return found[0]


def named(sessions: Sequence[StoredSession], name: str) -> StoredSession:
    """The session of that name, in full. Raises BadSettings where there is none."""
    for session in sessions:
        if session.name == name:
            return session
    raise _none(_newest(sessions), name, " in full")


def _newest(sessions: Sequence[StoredSession]) -> list[StoredSession]:
    return sorted(sessions, key=lambda session: session.started_at)[::-1]


def _none(newest: Sequence[StoredSession], wanted: str, how: str = "") -> BadSettings:
    if not newest:
        return BadSettings(
            f"session {wanted!r}: no session is stored; start one (`readroom run`), or set "
            "READROOM_DATA to where the store lies"
        )
    told = "; ".join(f"{s.name} ({moment(s.started_at)})" for s in newest[:NEWEST])
    return BadSettings(
        f"session {wanted!r}: no such session is stored; name one{how} (`readroom erase` lists "
        f"all); the newest are {told}"
    )
