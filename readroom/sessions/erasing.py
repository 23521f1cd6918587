"""Choosing what `readroom erase` erases, and what it says: which sessions there are, what would be
erased, and the proof that it is gone.

People are named as on the page, by the slot they were shown in. A slot may have been several
people's, one after the other; then only their numbers tell them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from readroom.errors import BadSettings
from readroom.messages import pseudonym
from readroom.sessions.retention import Erased
from readroom.sessions.timelines import StoredPerson, StoredSession, whole_people
from readroom.words import clock, moment

#: What the tables' rows are, for a person.
_ROWS: Final = {
    "sample": "points of timelines",
    "event": "events",
    "person": "people",
    "camera": "cameras",
    "measure": "figures of the room",
    "marker": "markers",
    "note": "notes",
    "session": "the session itself",
    "checkpoint": "checkpoints",
}


def listing(sessions: Sequence[StoredSession]) -> str:
    """The sessions that can be erased, a line each: name, start (UTC), state, title."""
    if not sessions:
        return "no session is stored"
    width = max(len(session.name) for session in sessions)
    wide = max(len(moment(session.started_at)) for session in sessions)
    return "\n".join(
        f"{session.name:<{width}}  {moment(session.started_at):>{wide}}  {session.state:<9}  "
        f"{session.title}".rstrip()
        for session in sessions
    )


def person_numbered(people: Sequence[StoredPerson], number: int, session: str) -> StoredPerson:
    """The person with that number. Raises BadSettings where there is none."""
    for person in people:
        if person.person == number:
            return person
    raise BadSettings(
        f"--number {number}: session {session} has no such person; its people are "
        f"{', '.join(f'{p.person} ({p.pseudonym})' for p in people) or 'none'}"
    )


def person_in(people: Sequence[StoredPerson], slot: int, session: str) -> StoredPerson:
    """The one person who had a slot. Raises BadSettings where nobody had, or more than one: then
    their numbers are told."""
    found = [person for person in people if person.slot == slot]
    whole = whole_people(people)
    name = pseudonym(slot)
    if not found:
        there = ", ".join(sorted({p.pseudonym for p in people}, key=lambda p: int(p[1:])))
        raise BadSettings(
            f"--person {name}: nobody in session {session} was called so; "
            f"there were {there or 'none'}"
        )
    if len({whole[p.person] for p in found}) > 1:
        stays = "; ".join(f"--number {p.person}: {_stay(p)}" for p in found)
        raise BadSettings(
            f"--person {name}: {len(found)} people of session {session} were called so, one after "
            f"the other; name one by number ({stays})"
        )
    return found[0]


def question(session: StoredSession, person: StoredPerson | None) -> str:
    """What is asked before anything is erased."""
    what = f"session {session.name} ({moment(session.started_at)}"
    what += f", {session.title!r})" if session.title else ")"
    if person is not None:
        who = f"{person.pseudonym} (number {person.person}, there {_stay(person)})"
        what = f"{who}, with all who were merged with them, from {what}"
    return f"Erase {what}? It can't be undone."


def proof(erased: Erased) -> str:
    """Rows before and after, a line for each table that had any, and the verdict."""
    lines = [f"{'':<20}  {'before':>8}  {'after':>5}"]
    for table, before in erased.before.items():
        after = erased.after.get(table, 0)
        if before or after:
            lines.append(f"{_ROWS.get(table, table):<20}  {before:>8}  {after:>5}")
    if erased.complete:
        lines.append("erased, and the file written anew; a backup made before still has it")
    return "\n".join(lines)


def _stay(person: StoredPerson) -> str:
    left = "the end" if person.left_s is None else clock(person.left_s)
    return f"{clock(person.entered_s)} to {left}"
