"""What happens in the demo room: who is there, what the faces do, and what may be read in them.

A script is data. Cues say from which second on something holds; the change itself takes
`EXPRESSION_CHANGE_S`, `TURN_CHANGE_S` or `WALK_S`, and everything repeats after `LOOP_S`.
`truth` answers for any moment.

What may be read is measured, not wished: `ExpressionCue.read_p` is the mean probability that the
packaged network (models/weights/expression.onnx, sha256 6ad78232d137...) gives the scripted
expression, cut as a worker cuts, on the boxes that the packaged detector finds
(models/weights/face.onnx, sha256 36d6402f4752...); over all readable moments of the segment, 0.4 s
apart, in the default script at 1280x720. `tests/ingest/demo/test_networks.py` repeats it on fewer
moments. In the script "overlap", 0.8 s apart, the same segments were read with 0.83 or more by
either camera, and Grace's smile and sadness with 0.44 to 0.65. The faces' warps were
made while looking at another network, faceapi_expression.onnx, on YuNet's boxes, which reads all
segments with 0.89 or more, and weren't changed for this one: the calm face between the two people
is mixed with a smile for it. Another network reads otherwise: to mini_xception_fer2013.onnx the
calm faces are mixtures of several expressions.

Angles were compared with the mean of fsanet_1x1.onnx and fsanet_var.onnx, which count yaw the
other way round (their positive yaw is the nose to the picture's left): over the default script
the correlation of yaw is -0.99 for each person, the slope -0.74 to -0.80. Nods of one calm face
from -20 to 20 degrees: correlation of pitch 0.98 or more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from types import MappingProxyType
from typing import TypeVar

from readroom.ingest.demo.motion import Sway, sway

#: Seconds after which everything repeats.
LOOP_S = 60.0
#: Seconds a face takes from one expression to the next.
EXPRESSION_CHANGE_S = 0.8
#: Seconds a head takes to turn.
TURN_CHANGE_S = 0.9
#: Seconds a person takes to walk out of the picture or back in.
WALK_S = 1.6
#: Up to this yaw (degrees, without a view's offset) a face counts as seen from the front.
FRONTAL_YAW_DEG = 12.0
#: `reliable_segments` looks this often (seconds), and leaves out what is shorter than this.
STRETCH_STEP_S = 0.05
MIN_RELIABLE_S = 3.0


@dataclass(frozen=True)
class ExpressionCue:
    """From `start_s` on the face shows `expression`, and the network reads `read_as`.

    `read_p` is the measured mean probability of `expression` in the readable part of the
    segment; `read_as` is None where that is below 0.7: scripted, but not to be relied on.
    """

    start_s: float
    expression: str
    read_as: str | None
    read_p: float


@dataclass(frozen=True)
class PresenceCue:
    """From `start_s` on the person walks in (`present`) or out."""

    start_s: float
    present: bool


@dataclass(frozen=True)
class TurnCue:
    """From `start_s` on the head turns to these angles, in degrees.

    Positive yaw moves the nose to the picture's right, positive pitch moves it up.
    """

    start_s: float
    yaw_deg: float
    pitch_deg: float = 0.0


Cue = TypeVar("Cue", ExpressionCue, PresenceCue, TurnCue)
Value = TypeVar("Value")


@dataclass(frozen=True)
class PersonScript:
    """All cues of one person; each list is sorted and starts at 0 s.

    `phase_s` shifts the small movements, so that people don't sway in step. `look_alike` marks
    a face made of the two others, which identity tests leave out.
    """

    name: str
    expressions: tuple[ExpressionCue, ...]
    presence: tuple[PresenceCue, ...]
    turns: tuple[TurnCue, ...]
    phase_s: float
    look_alike: bool = False


@dataclass(frozen=True)
class Seat:
    """A person in a view: where, how large, seen from which side, in which light.

    `x_ratio` and `eyes_ratio` place the eyes in shares of the frame, `face_px` is the width of
    the face in a frame 720 pixels high, `yaw_offset_deg` is added to the scripted yaw because
    the camera stands elsewhere, `gains` are the light from the picture's left and right.
    """

    person: str
    x_ratio: float
    eyes_ratio: float
    face_px: float
    yaw_offset_deg: float = 0.0
    gains: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True)
class View:
    """What one camera sees; seats are drawn in this order, later ones in front."""

    camera: str
    seats: tuple[Seat, ...]


@dataclass(frozen=True)
class DemoScript:
    """People, cameras, and the seconds after which everything repeats."""

    name: str
    loop_s: float
    people: tuple[PersonScript, ...]
    views: tuple[View, ...]

    def person(self, name: str) -> PersonScript:
        """The script of one person; ValueError for an unknown name."""
        return _named({person.name: person for person in self.people}, name, "person")

    def view(self, camera: str) -> View:
        """What one camera sees; ValueError for an unknown camera."""
        return _named({view.camera: view for view in self.views}, camera, "camera")


@dataclass(frozen=True)
class Moment:
    """A person at one time: `expression` at `amount` 0..1, `here` 0 (gone) to 1 (seated).

    Angles in degrees, the small movements included, a view's offset not.
    """

    expression: str
    amount: float
    here: float
    yaw_deg: float
    pitch_deg: float
    sway: Sway


@dataclass(frozen=True)
class Truth:
    """What is so at one time, whatever a network makes of it.

    `present`: the person is seated. `expression`: as scripted. `readable`: present, seen from
    the front, and not changing right now. `read_as`: what the named network reliably reads; None
    while the moment isn't readable and in segments that it doesn't read. Angles as in `Moment`.
    """

    present: bool
    expression: str
    readable: bool
    read_as: str | None
    yaw_deg: float
    pitch_deg: float


def truth(person: str, t_s: float, variant: str = "default") -> Truth:
    """The truth about a person at `t_s`; ValueError for an unknown person or variant."""
    script = named_script(variant)
    cues = script.person(person)
    now = moment(script, person, t_s)
    cue, _, since = _cue_at(cues.expressions, t_s % script.loop_s)
    readable = (
        now.here >= 1.0 and since >= EXPRESSION_CHANGE_S and abs(now.yaw_deg) <= FRONTAL_YAW_DEG
    )
    return Truth(
        present=now.here >= 1.0,
        expression=cue.expression,
        readable=readable,
        read_as=cue.read_as if readable else None,
        yaw_deg=now.yaw_deg,
        pitch_deg=now.pitch_deg,
    )


@dataclass(frozen=True)
class ReliableSegment:
    """A stretch in which a camera sees a person in a state that the named network reads."""

    camera: str
    person: str
    start_s: float
    end_s: float
    read_as: str


def reliable_segments(variant: str = "default") -> list[ReliableSegment]:
    """Every stretch of at least `MIN_RELIABLE_S` in which `truth` gives one `read_as`."""
    script = named_script(variant)
    return [
        ReliableSegment(view.camera, seat.person, start_s, end_s, state)
        for view in script.views
        for seat in view.seats
        for start_s, end_s, state in _stretches(seat.person, script)
        if end_s - start_s >= MIN_RELIABLE_S
    ]


def _stretches(person: str, script: DemoScript) -> Iterator[tuple[float, float, str]]:
    times = [step * STRETCH_STEP_S for step in range(int(script.loop_s / STRETCH_STEP_S))]
    states = [(t_s, truth(person, t_s, script.name).read_as) for t_s in times]
    for state, run in groupby(states, key=lambda pair: pair[1]):
        moments = [t_s for t_s, _ in run]
        if state is not None:
            yield moments[0], moments[-1], state


def moment(script: DemoScript, person: str, t_s: float) -> Moment:
    """Where a person is between the cues at `t_s` seconds."""
    cues, t_s = script.person(person), t_s % script.loop_s
    small = sway(t_s, cues.phase_s, script.loop_s)
    expression, amount = _expression(cues.expressions, t_s)
    yaw, pitch = _angles(cues.turns, t_s)
    return Moment(
        expression=expression,
        amount=amount,
        here=_here(cues.presence, t_s),
        yaw_deg=yaw + small.yaw_deg,
        pitch_deg=pitch + small.pitch_deg,
        sway=small,
    )


def segments(person: PersonScript, loop_s: float) -> list[tuple[ExpressionCue, float, float]]:
    """Each expression cue with its start and end in seconds, in order, covering the loop."""
    starts = [cue.start_s for cue in person.expressions]
    return list(zip(person.expressions, starts, [*starts[1:], loop_s], strict=True))


def _expression(cues: Sequence[ExpressionCue], t_s: float) -> tuple[str, float]:
    """The face shown and how much of it: always by way of the calm face."""
    cue, before, since = _cue_at(cues, t_s)
    done = min(since / EXPRESSION_CHANGE_S, 1.0)
    if before.expression == "neutral":
        shown, amount = cue.expression, _eased(done)
    elif cue.expression == "neutral":
        shown, amount = before.expression, _eased(1.0 - done)
    elif done < 0.5:
        shown, amount = before.expression, _eased(1.0 - 2.0 * done)
    else:
        shown, amount = cue.expression, _eased(2.0 * done - 1.0)
    return (shown, amount) if shown != "neutral" else ("neutral", 0.0)


def _here(cues: Sequence[PresenceCue], t_s: float) -> float:
    cue, before, since = _cue_at(cues, t_s)
    return _between(float(before.present), float(cue.present), since / WALK_S)


def _angles(cues: Sequence[TurnCue], t_s: float) -> tuple[float, float]:
    cue, before, since = _cue_at(cues, t_s)
    done = since / TURN_CHANGE_S
    return (
        _between(before.yaw_deg, cue.yaw_deg, done),
        _between(before.pitch_deg, cue.pitch_deg, done),
    )


def _cue_at(cues: Sequence[Cue], t_s: float) -> tuple[Cue, Cue, float]:
    """The cue that holds at `t_s`, the one before it (around the loop), and seconds since."""
    index = max(i for i, cue in enumerate(cues) if cue.start_s <= t_s)
    return cues[index], cues[index - 1], t_s - cues[index].start_s


def _between(start: float, end: float, done: float) -> float:
    return start + (end - start) * _eased(done)


def _eased(done: float) -> float:
    """0..1 with a soft start and end (3x² - 2x³)."""
    x = min(max(done, 0.0), 1.0)
    return x * x * (3.0 - 2.0 * x)


def _named(values: Mapping[str, Value], name: str, kind: str) -> Value:
    if name not in values:
        raise ValueError(f"unknown {kind} {name!r}: choose one of {', '.join(values)}")
    return values[name]


GRACE = PersonScript(
    name="grace",
    expressions=(
        ExpressionCue(0.0, "neutral", "neutral", 0.83),
        ExpressionCue(8.0, "happiness", None, 0.698),
        ExpressionCue(16.0, "neutral", "neutral", 0.84),
        ExpressionCue(24.0, "surprise", "surprise", 0.93),
        ExpressionCue(30.0, "neutral", "neutral", 0.8),
        ExpressionCue(38.0, "sadness", None, 0.66),
        ExpressionCue(45.0, "neutral", "neutral", 0.8),
    ),
    presence=(PresenceCue(0.0, True), PresenceCue(48.0, False), PresenceCue(52.0, True)),
    turns=(
        TurnCue(0.0, 0.0),
        TurnCue(18.0, 26.0),
        TurnCue(21.0, 0.0),
        TurnCue(33.0, -24.0, 5.0),
        TurnCue(36.0, 0.0),
    ),
    phase_s=0.0,
)

EILEEN = PersonScript(
    name="eileen",
    expressions=(
        ExpressionCue(0.0, "happiness", "happiness", 1.0),
        ExpressionCue(9.0, "neutral", "neutral", 0.95),
        ExpressionCue(23.0, "surprise", "surprise", 0.99),
        ExpressionCue(29.0, "neutral", "neutral", 0.95),
        ExpressionCue(38.0, "happiness", "happiness", 1.0),
        ExpressionCue(46.0, "sadness", "sadness", 0.92),
        ExpressionCue(53.0, "neutral", "neutral", 0.94),
    ),
    presence=(PresenceCue(0.0, True), PresenceCue(15.0, False), PresenceCue(18.5, True)),
    turns=(
        TurnCue(0.0, 0.0),
        TurnCue(11.5, -28.0),
        TurnCue(14.0, 0.0),
        TurnCue(31.0, 24.0, -5.0),
        TurnCue(34.5, 0.0),
    ),
    phase_s=7.3,
)

BLEND = PersonScript(
    name="blend",
    expressions=(
        ExpressionCue(0.0, "neutral", None, 0.65),
        ExpressionCue(12.0, "happiness", "happiness", 1.0),
        ExpressionCue(22.0, "neutral", None, 0.62),
        ExpressionCue(42.0, "happiness", "happiness", 1.0),
        ExpressionCue(52.0, "neutral", None, 0.63),
    ),
    presence=(PresenceCue(0.0, True), PresenceCue(34.0, False), PresenceCue(38.0, True)),
    turns=(
        TurnCue(0.0, 0.0),
        TurnCue(4.0, 26.0),
        TurnCue(7.0, 0.0),
        TurnCue(28.0, -26.0),
        TurnCue(31.0, 0.0),
    ),
    phase_s=3.1,
    look_alike=True,
)

PEOPLE = (GRACE, EILEEN, BLEND)

#: The script of the demo: everybody is seen by exactly one camera.
DEFAULT = DemoScript(
    name="default",
    loop_s=LOOP_S,
    people=PEOPLE,
    views=(
        View(
            "left",
            (
                Seat("grace", 0.27, 0.41, 124.0, gains=(0.96, 1.04)),
                Seat("blend", 0.72, 0.41, 112.0, gains=(1.05, 0.93)),
            ),
        ),
        View("right", (Seat("eileen", 0.55, 0.40, 128.0, gains=(1.02, 0.94)),)),
    ),
)

#: Both cameras see Grace and Eileen, from either side.
OVERLAP = DemoScript(
    name="overlap",
    loop_s=LOOP_S,
    people=(GRACE, EILEEN, BLEND),
    views=(
        View(
            "left",
            (
                Seat("grace", 0.27, 0.41, 124.0, 8.0, (1.04, 0.96)),
                Seat("eileen", 0.72, 0.41, 110.0, 8.0, (1.05, 0.93)),
            ),
        ),
        View(
            "right",
            (
                Seat("grace", 0.32, 0.46, 108.0, -8.0, (0.92, 1.06)),
                Seat("eileen", 0.76, 0.40, 126.0, -8.0, (0.92, 1.04)),
            ),
        ),
    ),
)

#: The scripts by name.
VARIANTS: Mapping[str, DemoScript] = MappingProxyType({s.name: s for s in (DEFAULT, OVERLAP)})

#: The cameras of every script.
CAMERAS = ("left", "right")


def named_script(variant: str) -> DemoScript:
    """A script by its name; ValueError for an unknown one."""
    return _named(VARIANTS, variant, "variant")
