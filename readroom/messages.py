"""What passes between the boxes: typed, versioned values, MessagePack on the wire.

Every message is a frozen ``msgspec.Struct``; MessagePack maps carry field names, so a consumer
ignores fields it doesn't know (a newer minor version) and fails on a missing one. Beside the
body, each stream entry carries the major version, which a consumer checks before it decodes:
see :func:`decode`. Adding an optional field is a minor change; anything else raises ``MAJOR``.

Units: times are seconds (``_s``) or Unix seconds (``_at``); boxes and points are pixels of the
frame as it travels (``Frame.width`` × ``Frame.height``), origin top left; scores and
probabilities are in 0..1; angles are degrees.

Frames are identified by (camera, epoch, seq). ``seq`` counts what the camera delivered, before
any drop, so a gap in it is a frame that somebody dropped and counted.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple, TypeVar

import msgspec

#: Major version of the wire format. A consumer refuses any other.
MAJOR: Final = 1

#: The eight classes of FER+ (Barsoum et al. 2016), in the order of every probability tuple.
#: A network that knows fewer leaves the others at 0; its model entry says which it knows.
EXPRESSIONS: Final = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
)

#: The 17 keypoints of COCO, in the order of every body.
KEYPOINTS: Final = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)

#: The five face landmarks, in the order of every face; left and right are the person's own.
LANDMARKS: Final = ("right_eye", "left_eye", "nose", "right_mouth", "left_mouth")

#: What a worker can run. A lane is one or more of these, run by the workers of one group.
ENGINES: Final = ("face", "expression", "pose", "mesh", "identity")

EngineName = Literal["face", "expression", "pose", "mesh", "identity"]
#: The 52 blendshapes of ARKit and MediaPipe, in the order of every mesh's coefficients (0..1).
BLENDSHAPES: Final = (
    "_neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft",
    "browOuterUpRight", "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft",
    "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight",
    "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft",
    "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen",
    "jawRight", "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft",
    "mouthFrownRight", "mouthFunnel", "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight",
    "mouthPressLeft", "mouthPressRight", "mouthPucker", "mouthRight", "mouthRollLower",
    "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight",
    "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight",
)  # fmt: skip

#: What a person can visibly do, each true or not at a moment. docs/semantics.md has for each its
#: threshold, unit and source; which of them can be told depends on the engines that run.
ACTIONS: Final = (
    "smiling",
    "brow_lowered",
    "brow_raised",
    "mouth_open",
    "talking",
    "eyes_closed",
    "facing_front",
    "facing_away",
    "nodding",
    "shaking_head",
    "head_down",
    "hand_at_face",
    "arms_crossed",
    "hand_raised",
    "leaning_in",
    "leaning_out",
    "still",
    "fidgeting",
)

#: How a person looks all in all, by rules over expression and actions (docs/semantics.md).
LOOKS: Final = ("attentive", "puzzled", "displeased", "amused", "turned_away", "cant_tell")

#: People who are told apart and shown at a time: "P1" to "P32". The bound on every per-person
#: metric label.
MAX_SLOTS: Final = 32


def pseudonym(slot: int) -> str:
    """What the person in a slot is called: "P1" for slot 1."""
    return f"P{slot}"


Mode = Literal["live", "recording"]
CameraPhase = Literal["connecting", "streaming", "retrying", "ended", "stopped"]
Probabilities = tuple[float, float, float, float, float, float, float, float]
Point = tuple[float, float]

#: What a person's expression read-out can be, besides one of EXPRESSIONS.
UNCERTAIN: Final = "uncertain"
NOT_VISIBLE: Final = "not_visible"
TOO_SMALL: Final = "too_small"
#: No expression network is running: the face is seen, nothing is said about it.
NOT_READ: Final = "not_read"
STATES: Final = (*EXPRESSIONS, UNCERTAIN, NOT_VISIBLE, TOO_SMALL, NOT_READ)

#: Why a frame is dropped on purpose, by a rate or an engine's cadence: nothing is lost by it.
ON_PURPOSE: Final = ("rate", "cadence")

#: What is said of a room over the last minute, each a Measure (docs/semantics.md).
MEASURES: Final = ("valence", "expressiveness", "facing_front", "synchrony")

#: What the read-out is for; the last two forbid any inference of emotion (EU AI Act, Art. 5(1)(f)).
PURPOSES: Final = ("audience", "research", "own_training", "safety", "workplace", "education")
Purpose = Literal["audience", "research", "own_training", "safety", "workplace", "education"]
#: Purposes for which no expression is computed, stored, exported or named anywhere.
WITHOUT_EMOTION: Final = frozenset({"workplace", "education"})

# What may be said where no emotion may be inferred. These are lists of what may, so that whatever a
# later version adds is left out until somebody has thought about it.

#: Engines that read no expression.
PLAIN_ENGINES: Final = ("face", "pose", "mesh", "identity")
#: Whether a face is seen, and can be read. "uncertain" isn't among them: an expression was read to
#: say so.
PLAIN_STATES: Final = (NOT_VISIBLE, TOO_SMALL, NOT_READ)
#: Where a head points, and that nothing is told. "attentive" isn't among them: it is more than
#: presence and visible actions.
PLAIN_LOOKS: Final = ("turned_away", "cant_tell")
#: Measures of the room that no expression goes into (synchrony is that of valence).
PLAIN_MEASURES: Final = ("facing_front",)
#: What of a person's deviations is movement of head and body.
PLAIN_DEVIATIONS: Final = ("pitch", "yaw", "movement")


class FrameKey(NamedTuple):
    """Identity of a frame in a room. Orders by camera, then time of capture."""

    camera: str
    epoch: int
    seq: int


class Box(msgspec.Struct, frozen=True, array_like=True):
    """An upright rectangle in frame pixels; ``x``/``y`` is its top left corner."""

    x: float
    y: float
    width: float
    height: float


class SharedBlock(msgspec.Struct, frozen=True, kw_only=True):
    """Where a frame's pixels lie in shared memory, instead of in the stream entry.

    ``generation`` is the block's write counter: a reader that finds another one read too late.
    """

    name: str
    offset: int
    size: int
    generation: int


class Frame(msgspec.Struct, frozen=True, kw_only=True, tag="frame"):
    """One captured picture, as ingest hands it to the workers.

    ``epoch`` is new at every start of the camera's ingest (Unix milliseconds of that start).
    ``previous_seq`` is the seq of the frame published before this one in the same epoch (-1 for
    the first): every seq between the two was dropped by ingest and counted there, so that
    nobody downstream waits for it. ``captured_at`` is the wall clock when the picture was read.
    ``media_time_s`` is its presentation time in a recording, and None for a live camera.
    ``previous_time_s`` is that time (live: ``captured_at``) of the frame published before this one,
    None where there is none or nobody knows, so that what is due once a second can be told from
    the frame alone.
    ``encoding`` ``jpeg`` is a whole JFIF file, ``bgr`` is uint8 [height, width, 3].
    The pixels are in the stream entry's payload field, or in shared memory where ``shared`` says.
    """

    room: str
    camera: str
    epoch: int
    seq: int
    previous_seq: int
    captured_at: float
    width: int
    height: int
    mode: Mode
    encoding: Literal["jpeg", "bgr"] = "jpeg"
    media_time_s: float | None = None
    previous_time_s: float | None = None
    shared: SharedBlock | None = None

    @property
    def time_s(self) -> float:
        """Media time, or when it was captured."""
        return self.captured_at if self.media_time_s is None else self.media_time_s

    @property
    def key(self) -> FrameKey:
        """The frame's identity."""
        return FrameKey(self.camera, self.epoch, self.seq)


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """How well a face can be read.

    ``width_px`` is the face box's width in pixels of the frame. ``sharpness`` is the variance of
    the Laplacian of the grey face resized to 64×64 (grey levels², ≥ 0; below about 30 is
    blurred). Angles are degrees, None where nothing estimated them: yaw > 0 turns the face to
    the person's own left (the picture's right), pitch > 0 looks up, roll > 0 tilts the head
    clockwise in the picture. ``brightness`` is the mean of the same grey face, 0..255 (None from a
    worker that doesn't say it).
    """

    width_px: float
    sharpness: float
    brightness: float | None = None
    yaw_deg: float | None = None
    pitch_deg: float | None = None
    roll_deg: float | None = None


class Face(msgspec.Struct, frozen=True, kw_only=True):
    """One face in one frame. ``landmarks`` follow LANDMARKS, ``expression`` EXPRESSIONS.

    ``score`` is a detector's confidence; from one that gives no landmarks (Haar: None) it is a
    rank, which says nothing of whether the face can be read. ``expression`` is None where no
    network read it on this frame (none is running, its cadence skips the frame, or the face is
    smaller than the network can read). ``embedding`` is unit length where present.
    ``blendshapes`` follow BLENDSHAPES, None where no mesh network looked.
    """

    box: Box
    score: float
    quality: Quality
    landmarks: tuple[Point, Point, Point, Point, Point] | None = None
    expression: Probabilities | None = None
    embedding: tuple[float, ...] | None = None
    blendshapes: tuple[float, ...] | None = None


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """One body in one frame. ``keypoints`` are 17 (x, y, score), in the order of KEYPOINTS.

    ``face`` is the index of the face it was grown from in the same observation, else None.
    """

    box: Box
    score: float
    keypoints: tuple[tuple[float, float, float], ...]
    face: int | None = None


class Observation(msgspec.Struct, frozen=True, kw_only=True, tag="observation"):
    """What one lane saw in one frame. Every lane says exactly one of these for every frame it
    was handed, also when it ran nothing: the aggregator joins by counting them.

    ``lane`` is the workers' consumer group. ``engines`` are those that ran on this frame;
    ``skipped`` says why none did (``cadence``: none was due or could run, ``stale``: newer frames
    were waiting, ``undecodable``, ``overwritten``: shared memory was reused before the read,
    ``failed``).
    ``models`` maps engine to model id; ``stages_s`` maps stage (``decode``, or an engine) to
    seconds spent. The frame's own fields are carried along so that no join with the frames
    stream is needed. A repeated observation (same frame, same lane) is a duplicate: drop it.
    """

    room: str
    camera: str
    epoch: int
    seq: int
    previous_seq: int
    captured_at: float
    width: int
    height: int
    mode: Mode
    lane: str
    worker: str
    media_time_s: float | None = None
    engines: tuple[EngineName, ...] = ()
    skipped: str | None = None
    faces: tuple[Face, ...] = ()
    bodies: tuple[Body, ...] = ()
    models: dict[str, str] = {}
    stages_s: dict[str, float] = {}
    done_at: float = 0.0

    @property
    def key(self) -> FrameKey:
        """Identity of the frame that was observed."""
        return FrameKey(self.camera, self.epoch, self.seq)


class CameraReport(msgspec.Struct, frozen=True, kw_only=True, tag="camera"):
    """What an ingest process says of its camera: about once a second in the camera registry,
    and, when ``phase`` changes, also in the observations stream (so that it arrives in order
    with what was seen).

    ``source`` is redacted. ``last_seq`` is the last seq published (-1: none); after ``ended``
    (a file is over) nothing follows it in this epoch. ``reason`` says why it is retrying.
    ``dropped`` counts this epoch's drops by reason. ``captured_at`` is the newest picture's.
    """

    room: str
    camera: str
    epoch: int
    phase: CameraPhase
    mode: Mode
    source: str
    at: float
    captured_at: float = 0.0
    last_seq: int = -1
    reason: str = ""
    width: int = 0
    height: int = 0
    analysis_fps: float = 0.0
    frames: int = 0
    dropped: dict[str, int] = {}
    reconnects: int = 0


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """An action that is going on: since when (session time), and how sure that is, 0..1."""

    since_s: float
    confidence: float


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """A figure of the room with what it rests on: a 95 % interval, ``n`` people, and the mean
    share of the time in which they could be read. ``value`` is None where that is too little.
    ``p`` is how likely such a value is by chance alone, where that is computed (synchrony)."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    coverage: float = 0.0
    p: float | None = None


class PersonState(msgspec.Struct, frozen=True, kw_only=True):
    """How one person looks now. ``slot`` is 1..32; ``pseudonym`` is "P1" for slot 1. A slot may be
    somebody else's later; ``person`` counts the session's people and never is.

    ``state`` is one of STATES; ``since_s`` is the session time when it began. ``confidence`` is
    the smoothed probability of ``state`` (0 for the states that are no expression).
    ``expression`` are the smoothed probabilities, None while nothing was read. ``coverage`` is
    the share of the last minute (or of the person's presence, if shorter) in which the face was
    readable. ``box`` is where the person was last seen. ``valence`` and ``arousal`` (−1..1) are
    derived from ``expression``, None while the face isn't being read.

    ``readable`` is whether the newest frame's face could be read, which ``coverage`` is made of;
    None from an aggregator that doesn't say it.

    ``look`` is one of LOOKS, since ``look_since_s``. ``actions`` maps each of ACTIONS that is going
    on to its span; ``measured`` are those that can be told at all at this moment, so that what is
    in neither is unknown. ``blinks_per_min`` is None without a mesh network. ``cameras`` are all
    that see the person, ``camera`` the one that sees best, which ``box``, ``keypoints`` and
    ``quality`` (of the newest face, None before one was found) are of.

    ``name`` is what somebody calls the person in this session, None where nobody does. It is for
    whoever looks at the page or the session, and never in a metric or a log.
    """

    slot: int
    pseudonym: str
    camera: str
    visible: bool
    state: str
    since_s: float
    confidence: float
    expression: Probabilities | None
    coverage: float
    box: Box
    face_width_px: float
    keypoints: tuple[tuple[float, float, float], ...] | None = None
    valence: float | None = None
    arousal: float | None = None
    look: str = "cant_tell"
    look_since_s: float = 0.0
    actions: dict[str, Span] = {}
    measured: tuple[str, ...] = ()
    blinks_per_min: float | None = None
    cameras: tuple[str, ...] = ()
    person: int = 0
    quality: Quality | None = None
    readable: bool | None = None
    name: str | None = None


class CameraState(msgspec.Struct, frozen=True, kw_only=True):
    """One camera's health as the aggregator sees it.

    ``lag_s`` is newest captured-at minus last processed captured-at. ``fps`` is analysed frames
    per second over the last 5 s. ``dropped`` counts by reason, ingest's and the aggregator's own.
    """

    camera: str
    phase: CameraPhase
    source: str
    mode: Mode
    fps: float
    lag_s: float
    people: int
    width: int
    height: int
    frames: int
    dropped: dict[str, int] = {}
    reason: str = ""


class RoomState(msgspec.Struct, frozen=True, kw_only=True, tag="room"):
    """The whole room at one moment, several times a second, on the ``people`` stream.

    ``time_s`` is session time: seconds since ``started_at`` by the cameras' own clock (media time
    for recordings). ``shares`` maps state to the share of visible people in it (sums to 1 where
    anybody is visible). ``look_shares`` maps each look that somebody visible has to the share of
    those visible who have it, with its interval; empty for fewer than two people.
    ``coverage`` is the mean coverage of the people present, None without
    any; in phase ``closed`` it is the mean over the session's people of the share of each one's
    presence in which the face was readable, None where there was nobody.
    ``engines`` says which engines are running with which model, for the page's honesty line.
    ``phase`` ``rolling``: people are read, but no session runs and nothing is stored. ``measures``
    maps MEASURES to their values over the last minute. ``away`` maps the number of who
    has left, and may come back, to their name, or else pseudonym.
    """

    room: str
    session: str
    title: str
    phase: Literal["waiting", "rolling", "running", "closed"]
    started_at: float
    at: float
    time_s: float
    people: tuple[PersonState, ...]
    cameras: tuple[CameraState, ...]
    shares: dict[str, float]
    coverage: float | None
    lag_s: float
    overflow: int = 0
    engines: dict[str, str] = {}
    purpose: Purpose = "audience"
    measures: dict[str, Measure] = {}
    look_shares: dict[str, Measure] = {}
    away: dict[int, str] = {}


class Event(msgspec.Struct, frozen=True, kw_only=True, tag="event"):
    """Something that happened, on the ``events`` stream and in the session store.

    ``kind`` and what ``state`` is then:

    - ``session_started``, ``session_closed``, ``person_entered``, ``person_left``: None
    - ``camera``: a camera's phase changed; the phase
    - ``state_ended``, ``look_ended``, ``action_ended``: one of STATES, LOOKS, ACTIONS, from
      ``start_s`` to ``end_s``
    - ``deviation``: unlike the person's own last minute, in a way that no state names; which
      measurement
    - ``inflection``, ``peak``: the room turned, or was at its height; which of MEASURES
    - ``marker``: somebody marked the moment; its label
    - ``response``: how the room answered a marker; its label
    - ``merged``, ``split``: two slots are one person, or a slot is one no longer; the other slot.
      Who had left and is merged with somebody present is back with that

    ``person`` is who it is about, by their number in the session (``slot`` is where they are shown
    then), and ``other`` the other one of two who were merged or split. ``confidence`` is the mean
    over the span, 0 where it means nothing. ``measure`` is what was measured, of ``figure`` (one of
    MEASURES, or of a deviation's measurements), in the unit that docs/semantics.md gives for the
    kind; a response has an event for each figure.
    """

    room: str
    session: str
    kind: str
    start_s: float
    end_s: float
    slot: int | None = None
    camera: str | None = None
    state: str | None = None
    confidence: float = 0.0
    measure: Measure | None = None
    figure: str | None = None
    person: int | None = None
    other: int | None = None


class Marker(msgspec.Struct, frozen=True, kw_only=True, tag="marker"):
    """What the speaker says is going on ("pricing slide") at a moment of the session. ``id`` makes
    one that is sent twice count once. ``time_s`` is the session time, where whoever sends it knows
    it (a recording's is its media time); else it is that of ``at``, and in a recording, which is
    played at its own speed, the moment that has been reached."""

    room: str
    at: float
    label: str
    id: str
    time_s: float | None = None


class Command(msgspec.Struct, frozen=True, kw_only=True, tag="command"):
    """What somebody asks of the aggregator, on the ``commands`` stream.

    ``verb`` and what ``text``, ``slot`` and ``other`` are then: ``start`` (title), ``stop``,
    ``title`` (title), ``note`` (note), ``merge`` (``slot`` and ``other`` are one person),
    ``split`` (the person in ``slot``, as ``camera`` sees it, is somebody else), ``rename`` (what
    the person in ``slot`` is called; empty: nothing any more). ``id`` makes one that is sent twice
    count once; what can't be done is logged and changes nothing. What became of it is an
    :class:`Outcome`.
    """

    room: str
    at: float
    verb: Literal["start", "stop", "title", "note", "merge", "split", "rename"]
    id: str
    text: str = ""
    slot: int | None = None
    other: int | None = None
    camera: str | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True, tag="outcome"):
    """What became of the command or marker ``id``: done where ``refused`` is empty, else why not.
    It is told once the effect is on disk, for a short while."""

    id: str
    refused: str = ""


class BoxInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One running process, as it registers itself about once a second.

    ``address`` is host:port of its /metrics, /healthz and /readyz.
    """

    kind: str
    name: str
    host: str
    pid: int
    address: str
    started_at: float
    at: float
    ready: bool = False
    detail: str = ""


M = TypeVar("M", bound=msgspec.Struct)

_encoder = msgspec.msgpack.Encoder()
_decoders: dict[Any, msgspec.msgpack.Decoder[Any]] = {}


class BadMessage(ValueError):
    """A stream entry that can't be read as a message; ``reason`` is a bounded metric label."""

    def __init__(self, reason: Literal["version", "undecodable"], detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def encode(message: msgspec.Struct) -> bytes:
    """The message's MessagePack body (the entry's version field is added by the stream)."""
    return _encoder.encode(message)


def decode(body: bytes, version: bytes | None, kind: type[M] | Any) -> M:
    """Read a body as ``kind`` (a message class, or a union of tagged ones).

    Raises :class:`BadMessage` for another major version, or a body that isn't a ``kind``.
    """
    if version != b"%d" % MAJOR:
        spelled = "none" if version is None else version[:16].decode("ascii", "replace")
        raise BadMessage(
            "version",
            f"message of major version {spelled}, this program speaks {MAJOR}: "
            "run the same readroom version everywhere",
        )
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.msgpack.Decoder(kind)
    try:
        message: M = decoder.decode(body)
    # RecursionError: arrays nested without end, in a field that nobody knows.
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadMessage("undecodable", str(error)) from None
    return message
