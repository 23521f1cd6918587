"""Prints what happens in a room, in words: ``python docs/examples/consumer.py REDIS ROOM``."""

import sys
from collections.abc import Iterator
from typing import Any

import redis

from readroom.messages import WITHOUT_EMOTION, Event, RoomState, decode
from readroom.words import event_sentence, vocabulary


def follow(client: redis.Redis, room: str) -> Iterator[str]:
    """A sentence for each event, and for each look that begins, from the oldest still there."""
    positions: Any = {f"rr:{{{room}}}:{name}".encode(): b"0" for name in ("people", "events")}
    words, looks = vocabulary(without_emotion=False), dict[int, str]()
    while True:
        found: Any = client.xread(positions, block=1000)
        for stream, entries in found:
            for positions[stream], entry in entries:
                said: Any = decode(entry[b"m"], entry[b"v"], RoomState | Event)
                if isinstance(said, Event):
                    yield event_sentence(words, said, names={})
                    continue
                words = vocabulary(said.purpose in WITHOUT_EMOTION)
                for person in said.people:
                    if looks.get(person.person) != person.look:
                        looks[person.person] = person.look
                        yield f"{person.pseudonym} {words.looks[person.look]['readout']}"


if __name__ == "__main__":
    for sentence in follow(redis.Redis.from_url(sys.argv[1], protocol=2), room=sys.argv[2]):
        print(sentence, flush=True)
