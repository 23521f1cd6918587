"""What knowing who is who costs: ``python -m tests.aggregator.identity_cost``.

People before two cameras that each see all of them, 10 pictures a second, an embedding of each face
a second, spread over the pictures as workers spread them; a minute of it.
"""

from __future__ import annotations

import time

import msgspec

from readroom.aggregator import identity
from readroom.aggregator.gallery import Gallery
from readroom.aggregator.identity import Links
from tests.aggregator.identities import Crowd

_SECONDS = 60
_RATE = 10


def measure(people: int) -> tuple[float, int]:
    """The share of a core that they take, and the bytes that the links add to the checkpoint."""
    crowd, links, gallery = Crowd(), Links(), Gallery()
    pictures = []
    for frame in range(_SECONDS * _RATE):
        for camera in ("left", "right"):
            faces = {
                track: crowd.look(str(track), camera) if track % _RATE == frame % _RATE else None
                for track in range(people)
            }
            pictures.append((camera, faces, frame / _RATE))
    before_s = time.process_time()
    for camera, faces, at_s in pictures:
        identity.see(links, gallery, camera, faces, at_s, reads=True)
    share = (time.process_time() - before_s) / _SECONDS
    return share, len(msgspec.msgpack.encode(links))


def main() -> None:
    """Print it for a small, a usual and a large room."""
    for people in (2, 12, 40):
        share, size = measure(people)
        print(f"{people} people, 2 cameras: {100 * share:.2f} % of a core, {size} bytes of links")


if __name__ == "__main__":
    main()
