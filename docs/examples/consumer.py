"""Prints what happens in a room, in words: ``python docs/examples/consumer.py REDIS ROOM``."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import redis

from readroom.messages import WITHOUT_EMOTION, Event, RoomState, decode
from readroom.words import Vocabulary, event_sentence, look_sentence, vocabulary


def told(words: Vocabulary, event: Event) -> Iterator[str]:
    """Nothing of what has no word here: of before the room was for something else."""
    with suppress(KeyError):
        yield event_sentence(words, event, names={})


def follow(client: redis.Redis, room: str) -> Iterator[str]:
    """A sentence for each event of the newest session, and for each look that begins."""
    positions: Any = {f"rr:{{{room}}}:{name}".encode(): b"0" for name in ("people", "events")}
    words, session = vocabulary(without_emotion=True), None
    looks, waiting = dict[int, str](), list[Event]()
    while True:
        found: Any = client.xread(positions, block=1000)
        for stream, entries in found:
            for positions[stream], entry in entries:
                said: Any = decode(entry[b"m"], entry[b"v"], RoomState | Event)
                if isinstance(said, Event) and said.session == session:
                    yield from told(words, said)
                elif isinstance(said, Event):  # Of an older session, or of one about to begin.
                    waiting.append(said)
                else:
                    looks = looks if said.session == session else {}
                    words, session = vocabulary(said.purpose in WITHOUT_EMOTION), said.session
                    for event in (each for each in waiting if each.session == session):
                        yield from told(words, event)
                    waiting.clear()
                    for person in said.people:
                        if looks.get(person.person) != person.look and person.look in words.looks:
                            looks[person.person] = person.look
                            yield look_sentence(words, person.look, person.pseudonym)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python docs/examples/consumer.py redis://127.0.0.1:6379/0 ROOM")
    for sentence in follow(redis.Redis.from_url(sys.argv[1], protocol=2), room=sys.argv[2]):
        print(sentence, flush=True)
