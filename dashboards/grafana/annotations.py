"""A session's markers and main moments as Grafana's annotations: which, in what words, and once.

An annotation carries what it is in its tags, so that writing it again adds nothing: ``readroom``,
``marker``, ``moment`` or ``session``, ``room:…``, ``session:…`` and ``id:…``. People are their
pseudonyms; somebody's name in a marker's label is replaced by theirs. Where no emotion may be
inferred, what names one isn't written.
"""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from readroom.dashboards.grafana.connection import Grafana, Missing
from readroom.messages import Event
from readroom.words import Vocabulary, event_sentence

#: What is written of a session, and under which tag. The rest is for the page and the report.
GROUPS: Final = {
    "session_started": "session",
    "session_closed": "session",
    "marker": "marker",
    "response": "moment",
    "inflection": "moment",
    "peak": "moment",
}
#: More than a session ever has.
MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation; times are Unix seconds, ``end_at`` None for a moment."""

    key: str
    at: float
    end_at: float | None
    text: str
    tags: tuple[str, ...]

    def body(self) -> dict[str, Any]:
        """What Grafana takes, with times in ms."""
        ended = {} if self.end_at is None else {"timeEnd": round(self.end_at * 1000)}
        return {
            "time": round(self.at * 1000),
            **ended,
            "text": self.text,
            "tags": list(self.tags),
        }


def annotation_of(
    event: Event, started_at: float, words: Vocabulary, names: Mapping[str, str]
) -> Annotation | None:
    """The annotation of an event, None for one that isn't written. ``started_at`` is when the
    session started, Unix seconds; ``names`` maps what people are called to their pseudonyms."""
    group = GROUPS.get(event.kind)
    if group is None:
        return None
    try:
        sentence = event_sentence(words, event, {})
    except KeyError:  # It names what may not be named here.
        return None
    key = _key(event)
    tags = (group, f"room:{event.room}", f"session:{event.session}", f"id:{key}")
    return Annotation(
        key=key,
        at=started_at + event.start_s,
        end_at=started_at + event.end_s if event.end_s > event.start_s else None,
        # Grafana shows markup; what somebody typed is none.
        text=html.escape(_pseudonymous(sentence, names), quote=False),
        tags=("readroom", *tags),
    )


def annotations_of(
    events: Iterable[Event], started_at: float, words: Vocabulary, names: Mapping[str, str]
) -> Iterator[Annotation]:
    """The annotations of some events, each once."""
    known: set[str] = set()
    for event in events:
        made = annotation_of(event, started_at, words, names)
        if made is not None and made.key not in known:
            known.add(made.key)
            yield made


def written(grafana: Grafana, session: str) -> dict[str, int]:
    """What Grafana has of a session already: key → Grafana's number of it."""
    found = grafana.get(
        "/annotations", tags=["readroom", f"session:{session}"], type="annotation", limit=str(MOST)
    )
    return {
        tag.removeprefix("id:"): int(one["id"])
        for one in found
        for tag in one.get("tags", ())
        if tag.startswith("id:")
    }


def write(grafana: Grafana, annotations: Iterable[Annotation], known: set[str]) -> int:
    """Write what isn't ``known`` yet, and add it there; how many that were."""
    new = 0
    for one in annotations:
        if one.key not in known:
            grafana.post("/annotations", one.body())
            known.add(one.key)
            new += 1
    return new


def remove(grafana: Grafana, session: str) -> int:
    """Remove all of a session; how many they were."""
    found = written(grafana, session)
    for number in found.values():
        with suppress(Missing):  # Somebody has just removed it.
            grafana.delete(f"/annotations/{number}")
    return len(found)


def _key(event: Event) -> str:
    """Tells an event from every other one of its session, in 12 hexadecimal digits."""
    what = (event.session, event.kind, event.start_s, event.end_s, event.state, event.figure)
    return hashlib.sha256(repr((*what, event.person)).encode()).hexdigest()[:12]


def _pseudonymous(sentence: str, names: Mapping[str, str]) -> str:
    """The sentence with every name replaced by its pseudonym, however it is written: in capitals or
    not, its accents apart from their letters or not."""
    # Longest first: somebody may be called as another one's first name.
    known = sorted(names, key=len, reverse=True)
    if not known:
        return sentence
    alternatives = "|".join(f"({re.escape(_composed(name))})" for name in known)
    # In one pass: somebody may be called P2.
    return re.sub(
        rf"(?<!\w)(?:{alternatives})(?!\w)",
        lambda found: names[known[(found.lastindex or 1) - 1]],
        _composed(sentence),
        flags=re.IGNORECASE,
    )


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
