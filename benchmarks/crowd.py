"""A made-up audience before a camera: what workers would say of it, with the same seed the same.

People sit in rows, look about, blink, speak, smile for some seconds; now and then a face isn't
found. Every face has landmarks, quality, expression and blendshapes on each frame and an embedding
once a second, as workers with all engines send them; bodies have 17 keypoints. Nothing of it is
meant to be read as people: it makes the aggregator do all of its work.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from readroom.messages import BLENDSHAPES, EXPRESSIONS, Body, Box, Face, Observation, Quality

Floats = NDArray[np.float64]

WIDTH_PX, HEIGHT_PX = 1280, 720
#: The camera's own frames per second, of which ingest publishes some.
CAMERA_FPS: Final = 30
#: Two lanes, so that the aggregator has something to join.
FACE_LANE, POSE_LANE = "face+expression+mesh+identity", "pose"
LANES: Final = (FACE_LANE, POSE_LANE)
#: A look at every face this often, in the camera's frames, as workers' identity engines do.
EMBEDDING_EVERY: Final = 30
EMBEDDING_LENGTH: Final = 128
#: Mean cosine of two embeddings of one person (docs/semantics/identity.md).
SAME_COSINE: Final = 0.62
#: Share of faces that the detector misses in a frame.
MISSED: Final = 0.02
#: Somebody who comes and goes stays for about so long, and is away for about so long, s.
STAY_S, AWAY_S = 300.0, 90.0
#: How often a person's expression changes, and somebody begins or stops to speak, per second.
CHANGES_PER_S, SPEAKS_PER_S = 0.15, 0.1
#: Seconds between two blinks, and how long one lasts.
BLINK_EVERY_S, BLINK_S = 4.0, 0.25

#: The 17 points of COCO (KEYPOINTS) in face widths from the face's centre, x and y; the person's
#: own left is the picture's right.
_POINTS: Final = np.array(
    [(0, 0.05), (0.2, -0.15), (-0.2, -0.15), (0.45, -0.05), (-0.45, -0.05), (1.2, 1.2), (-1.2, 1.2)]
    + [(1.5, 2.5), (-1.5, 2.5), (0.8, 3.1), (-0.8, 3.1), (0.8, 3.6), (-0.8, 3.6)]
    + [(0.8, 5.2), (-0.8, 5.2), (0.8, 6.8), (-0.8, 6.8)]
)
#: Their scores: hips and below are behind a table.
_POINT_SCORES: Final = np.array([0.95] * 7 + [0.85] * 2 + [0.75] * 2 + [0.3] * 2 + [0.1] * 4)
#: The five landmarks (LANDMARKS) in face widths from the face's centre.
_MARKS: Final = np.array([(-0.19, -0.15), (0.19, -0.15), (0, 0.08), (-0.16, 0.33), (0.16, 0.33)])
_SHAPES: Final = {name: place for place, name in enumerate(BLENDSHAPES)}
_LIDS: Final = [_SHAPES["eyeBlinkLeft"], _SHAPES["eyeBlinkRight"]]
_SMILE: Final = [_SHAPES["mouthSmileLeft"], _SHAPES["mouthSmileRight"]]
_BROWS: Final = [_SHAPES["browDownLeft"], _SHAPES["browDownRight"]]
_JAW: Final = _SHAPES["jawOpen"]
_HAPPINESS, _ANGER = EXPRESSIONS.index("happiness"), EXPRESSIONS.index("anger")


@dataclass(frozen=True, slots=True)
class _Moment:
    """Everybody at one moment, arrays by person: centres [n, 2] px, angles [n, 3] degrees (yaw,
    pitch, roll), probabilities [n, 8], blendshapes [n, 52]."""

    centres: Floats
    angles: Floats
    looks: Floats
    shapes: Floats


class Crowd:
    """``people`` before one camera. ``comes_and_goes``: they don't stay, and every other time
    somebody else comes back. Times only go forward."""

    def __init__(
        self, people: int, *, camera: str = "front", seed: int = 0, comes_and_goes: bool = False
    ) -> None:
        self.people = people
        self._camera = camera
        self._seed = seed
        self._draw = np.random.default_rng([seed, people])
        self._seats, self._face_px = _seats(people)
        self._stay_s = self._draw.uniform(0.6, 1.4, people) * STAY_S
        self._period_s = self._stay_s + self._draw.uniform(0.6, 1.4, people) * AWAY_S
        self._offset_s = self._draw.uniform(0, self._stay_s)
        self._comes_and_goes = comes_and_goes
        self._faces: dict[tuple[int, int], Floats] = {}
        self._at_s = 0.0
        self._sway = np.zeros((people, 5))
        self._wanted = np.zeros(people, np.int64)
        self._logits = np.zeros((people, len(EXPRESSIONS)))
        self._speaks = np.zeros(people, bool)
        self._blink_at_s = self._draw.uniform(0, BLINK_EVERY_S, people)

    def observe(self, seq: int, previous_seq: int, **changes: Any) -> list[Observation]:
        """What each lane says of the camera's frame ``seq``; ``changes`` are the messages' own
        (room, epoch, captured_at, …)."""
        at_s = seq / CAMERA_FPS
        moment = self._move(at_s)
        here = [person for person in range(self.people) if self.present(person, at_s)]
        looked_at = seq // EMBEDDING_EVERY > previous_seq // EMBEDDING_EVERY
        found = self._draw.random(self.people) >= MISSED
        faces = [self._face(moment, n, at_s, looked_at) for n in here if found[n]]
        bodies = [self._body(moment, n) for n in here]
        fields: dict[str, Any] = {
            "room": "bench",
            "camera": self._camera,
            "epoch": 1,
            "seq": seq,
            "previous_seq": previous_seq,
            "captured_at": at_s,
            "width": WIDTH_PX,
            "height": HEIGHT_PX,
            "mode": "live",
            "worker": "bench",
            **changes,
        }
        engines = ("face", "expression", "mesh", *(("identity",) if looked_at else ()))
        return [
            Observation(
                **fields,
                lane=FACE_LANE,
                engines=engines,
                faces=tuple(faces),
                models={engine: f"made-{engine}" for engine in engines},
            ),
            Observation(
                **fields,
                lane=POSE_LANE,
                engines=("pose",),
                bodies=tuple(bodies),
                models={"pose": "made-pose"},
            ),
        ]

    def present(self, person: int, at_s: float) -> bool:
        """Whether the person's seat is taken then."""
        if not self._comes_and_goes:
            return True
        into_s = (at_s + self._offset_s[person]) % self._period_s[person]
        return bool(into_s < self._stay_s[person])

    def _visitor(self, person: int, at_s: float) -> int:
        """Whoever has the seat: the same one twice, then somebody else."""
        if not self._comes_and_goes:
            return 0
        return int((at_s + self._offset_s[person]) // self._period_s[person]) // 2

    def _move(self, at_s: float) -> _Moment:
        """Let everybody move on until ``at_s``."""
        draw, count = self._draw, self.people
        dt_s, self._at_s = max(0.0, at_s - self._at_s), at_s
        keep = math.exp(-dt_s / 2.5)
        fresh = draw.standard_normal(self._sway.shape)
        self._sway = keep * self._sway + math.sqrt(1 - keep * keep) * fresh
        turn = draw.random(count) < 1 - math.exp(-dt_s * CHANGES_PER_S)
        calm = draw.random(count) < 0.6
        others = draw.integers(1, len(EXPRESSIONS), count)
        self._wanted = np.where(turn, np.where(calm, 0, others), self._wanted)
        aim = 3.5 * (np.arange(len(EXPRESSIONS)) == self._wanted[:, None])
        keep = math.exp(-dt_s / 0.4)
        self._logits = keep * self._logits + (1 - keep) * aim
        noisy = np.exp(self._logits + 0.3 * draw.standard_normal(self._logits.shape))
        looks = noisy / noisy.sum(axis=1, keepdims=True)
        switch = draw.random(count) < 1 - math.exp(-dt_s * SPEAKS_PER_S)
        self._speaks ^= switch
        centres = self._seats + self._face_px * 0.08 * self._sway[:, :2]
        angles = self._sway[:, 2:] * (14.0, 7.0, 4.0)
        return _Moment(centres, angles, looks, self._shapes(looks, at_s))

    def _shapes(self, looks: Floats, at_s: float) -> Floats:
        draw, count = self._draw, self.people
        shapes = 0.03 + 0.01 * draw.standard_normal((count, len(BLENDSHAPES)))
        again = at_s > self._blink_at_s + BLINK_S
        gaps = draw.exponential(BLINK_EVERY_S, count)
        self._blink_at_s = np.where(again, at_s + gaps, self._blink_at_s)
        shut = (self._blink_at_s <= at_s) & (at_s <= self._blink_at_s + BLINK_S)
        shapes[:, _LIDS] += np.where(shut, 0.7, 0.1)[:, None]
        shapes[:, _SMILE] += 0.8 * looks[:, _HAPPINESS, None]
        shapes[:, _BROWS] += 0.6 * looks[:, _ANGER, None]
        syllable = 0.15 * (1 + np.sin(2 * math.pi * 3 * at_s + np.arange(count)))
        shapes[:, _JAW] += np.where(self._speaks, syllable, 0.0)
        return np.clip(shapes, 0, 1)

    def _face(self, moment: _Moment, person: int, at_s: float, looked_at: bool) -> Face:
        width = self._face_px * (1 + 0.02 * float(self._draw.standard_normal()))
        x, y = moment.centres[person].tolist()
        yaw, pitch, roll = moment.angles[person].tolist()
        marks = _MARKS + (math.sin(math.radians(yaw)) * 0.15, -math.sin(math.radians(pitch)) * 0.15)
        return Face(
            box=Box(x - width / 2, y - 0.6 * width, width, 1.2 * width),
            score=0.93,
            quality=Quality(
                width_px=width,
                sharpness=300.0,
                brightness=120.0,
                yaw_deg=yaw,
                pitch_deg=pitch,
                roll_deg=roll,
            ),
            landmarks=cast(Any, _points((x, y) + width * marks)),
            expression=cast(Any, tuple(moment.looks[person].tolist())),
            embedding=self._embedding(person, at_s) if looked_at else None,
            blendshapes=tuple(moment.shapes[person].tolist()),
        )

    def _body(self, moment: _Moment, person: int) -> Body:
        place = moment.centres[person] + self._face_px * _POINTS
        place += self._draw.normal(0, 0.6, place.shape)
        (x, y), (right, bottom) = place.min(axis=0).tolist(), place.max(axis=0).tolist()
        points = np.column_stack([place, _POINT_SCORES])
        return Body(
            box=Box(x, y, right - x, bottom - y),
            score=0.9,
            keypoints=cast(Any, _points(points)),
        )

    def _embedding(self, person: int, at_s: float) -> tuple[float, ...]:
        key = (person, self._visitor(person, at_s))
        if key not in self._faces:
            drawn = np.random.default_rng([self._seed, *key]).standard_normal(EMBEDDING_LENGTH)
            self._faces = {k: v for k, v in self._faces.items() if k[0] != person}
            self._faces[key] = drawn / np.linalg.norm(drawn)
        noise = self._draw.standard_normal(EMBEDDING_LENGTH)
        seen = self._faces[key] + math.sqrt((1 / SAME_COSINE - 1) / EMBEDDING_LENGTH) * noise
        return tuple((seen / np.linalg.norm(seen)).tolist())


def _seats(people: int) -> tuple[Floats, float]:
    """Everybody's place [n, 2] px, in rows, and how wide the faces are, px."""
    columns = math.ceil(math.sqrt(people * WIDTH_PX / HEIGHT_PX))
    rows = math.ceil(people / columns)
    places = [
        ((n % columns + 0.5) * WIDTH_PX / columns, (n // columns + 0.4) * HEIGHT_PX / rows)
        for n in range(people)
    ]
    return np.array(places), min(80.0, 0.35 * WIDTH_PX / columns)


def _points(rows: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(map(tuple, rows.tolist()))
