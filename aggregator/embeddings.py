"""Keeps faces' embeddings aside while their frames wait for their lanes: in memory only.

What waits to be joined is written into the checkpoint twice a second. An embedding tells who
somebody is, so it mustn't be: it is taken out of the observation, and given back with its frame.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

import msgspec

from readroom.messages import Box, Observation

Embedding = tuple[float, ...]
#: Frames whose embeddings are kept, at most: workers read them about once a second, so that it is
#: a minute of ten cameras; with 12 faces of 512 numbers each about 100 MB.
MOST_FRAMES: Final = 600


class Embeddings:
    """Embeddings by frame and face."""

    def __init__(self) -> None:
        self._frames: OrderedDict[tuple[str, int], dict[Box, Embedding]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._frames)

    def set_aside(self, observation: Observation) -> Observation:
        """The observation without its embeddings, which are kept here."""
        found = {face.box: face.embedding for face in observation.faces if face.embedding}
        if not found:
            return observation
        # Not by epoch: a recording's frame that comes again in a later one is the same frame.
        key = (observation.camera, observation.seq)
        self._frames.setdefault(key, {}).update(found)
        while len(self._frames) > MOST_FRAMES:
            self._frames.popitem(last=False)
        faces = tuple(msgspec.structs.replace(face, embedding=None) for face in observation.faces)
        return msgspec.structs.replace(observation, faces=faces)

    def give_back(self, camera: str, seq: int) -> dict[Box, Embedding]:
        """What was kept of a frame, by its faces' boxes; nothing of it is kept any longer."""
        return self._frames.pop((camera, seq), {})
