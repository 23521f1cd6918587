"""How a person looks all in all: expression and visible actions together, by explicit rules.

A look says what a viewer would say of the picture, never what goes on in a person. The rules are
a list (:data:`RULES`); the first that applies is *wanted*. What is wanted becomes the look after a
moment, holds for a moment, and gives way to "can't tell" when nothing has spoken for it for a
moment: expression and actions change at slightly different times, and without that the two would
make looks that nobody saw. docs/semantics/looks.md has the table and a worked example.

Rules over named things, and no trained fusion: with a handful of labelled clips anything learned
would learn these people by heart. What each rule says can be argued with.

What can't be told (an action that is not in ``measured``) neither speaks for a look nor against
it. So without a mesh network nobody looks puzzled (that rests on brows), and "attentive" doesn't
know of closed eyes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from readroom.messages import LOOKS, PLAIN_LOOKS, UNCERTAIN, Span

CANT_TELL: Final = "cant_tell"
TURNED_AWAY: Final = "turned_away"
#: Facing away this long is being turned away, s. A glance at a neighbour or at one's notes is
#: shorter (our choice; the clip that shows one, classroom_4_people, has one of 1.0 s).
AWAY_S: Final = 1.5
#: A smile that no expression network confirms counts from this age on, s: while somebody talks,
#: the corners of the mouth pass through shorter ones.
SMILE_S: Final = 1.0
#: Lowered brows count from this age on, s: a frown at a single word is no look.
BROW_S: Final = 0.8
#: A look is wanted this long before it is said, s: longer than the time between the changes of a
#: smile as expression and as action, short beside their own delays (0.4 to 0.8 s).
ENTER_S: Final = 0.3
#: Nothing has spoken for the look for this long, s: it is over, whatever comes then.
DOUBT_S: Final = 0.8
#: A look that was said lasts at least this long, s; "can't tell" may be over sooner, since
#: leaving it takes nothing back.
MIN_DWELL_S: Final = 1.0

#: Expressions that a viewer sums up as displeased. Fear and contempt are none of ours: fear isn't
#: displeasure, and our network finds contempt in one of eight faces that show it
#: (docs/expression-figures.md).
DISPLEASED: Final = frozenset({"anger", "disgust", "sadness"})
#: Expressions beside which a smile or a brow may decide.
OPEN: Final = frozenset({"neutral", "surprise", UNCERTAIN})
#: Expressions of somebody who is there and looks on.
CALM: Final = frozenset({"neutral", "surprise"})


class Look(msgspec.Struct):
    """One person's look. ``wanted`` is another one that has been wanted since ``wanted_s``;
    ``against_s`` is since when nothing speaks for ``look``. ``confidence`` is that of the last
    moment at which the look was wanted; ``confidence_s`` its integral over the look's time."""

    look: str = CANT_TELL
    since_s: float = 0.0
    at_s: float = 0.0
    wanted: str | None = None
    wanted_s: float = 0.0
    against_s: float | None = None
    confidence: float = 0.0
    confidence_s: float = 0.0


@dataclass(frozen=True, slots=True)
class LookEnded:
    """A look that is over: from ``start_s`` to ``end_s``, with its mean confidence, 0..1."""

    look: str
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a person at ``at_s``. ``confidence`` is of ``state``, one of
    messages.STATES; ``actions`` are going on, ``measured`` could be told at all."""

    state: str
    confidence: float
    actions: Mapping[str, Span]
    measured: Collection[str]
    at_s: float

    def seen(self, action: str, for_s: float = 0.0) -> bool:
        """Whether an action has gone on for ``for_s``."""
        span = self.actions.get(action)
        return span is not None and self.at_s - span.since_s >= for_s

    def sure(self, action: str) -> float:
        """How sure an action is, 0..1; 0 where it isn't going on."""
        span = self.actions.get(action)
        return span.confidence if span is not None else 0.0


def _turned_away(now: Evidence) -> float | None:
    return now.sure("facing_away") if now.seen("facing_away", AWAY_S) else None


def _displeased(now: Evidence) -> float | None:
    return now.confidence if now.state in DISPLEASED and not now.seen("smiling") else None


def _amused(now: Evidence) -> float | None:
    if now.state == "happiness":
        return max(now.confidence, now.sure("smiling"))
    return now.sure("smiling") if now.state in OPEN and now.seen("smiling", SMILE_S) else None


def _puzzled(now: Evidence) -> float | None:
    if now.state not in OPEN or now.seen("smiling") or now.seen("eyes_closed"):
        return None
    return now.sure("brow_lowered") if now.seen("brow_lowered", BROW_S) else None


def _attentive(now: Evidence) -> float | None:
    if now.state not in CALM or not now.seen("facing_front"):
        return None
    if any(now.seen(action) for action in ("eyes_closed", "head_down", "facing_away")):
        return None
    return min(now.confidence, now.sure("facing_front"))


#: The rules, the first that applies wins: each gives a confidence 0..1, or None where it doesn't
#: apply. Turned away comes first, because what a face says that looks elsewhere isn't said here;
#: what an expression says goes before what brows say, and attentive is what is left.
RULES: Final[tuple[tuple[str, Callable[[Evidence], float | None]], ...]] = (
    (TURNED_AWAY, _turned_away),
    ("displeased", _displeased),
    ("amused", _amused),
    ("puzzled", _puzzled),
    ("attentive", _attentive),
)


def looks_for(without_emotion: bool) -> tuple[str, ...]:
    """The looks that may be said. Where no emotion may be inferred (messages.WITHOUT_EMOTION),
    those that name an inner state fall away, attentive included: only where a head points, and
    that nothing can be told, are left."""
    return PLAIN_LOOKS if without_emotion else LOOKS


def begin(at_s: float) -> Look:
    """Somebody of whom nothing is known yet."""
    return Look(since_s=at_s, at_s=at_s)


def step(
    look: Look,
    state: str,
    confidence: float,
    actions: Mapping[str, Span],
    measured: Collection[str],
    at_s: float,
    allowed: Collection[str] = LOOKS,
) -> LookEnded | None:
    """Take a moment in; returns the look that it ended, if it did.

    ``confidence`` is of ``state``. ``at_s`` never goes back (an earlier time counts as no time).
    ``allowed`` are the looks that may be said, see :func:`looks_for`.
    """
    dt_s = max(0.0, at_s - look.at_s)
    look.at_s += dt_s
    look.confidence_s += look.confidence * dt_s
    told = {name: span for name, span in actions.items() if name in measured}
    now = Evidence(state, _ratio(confidence), told, measured, look.at_s)
    if now.seen("facing_away") and not now.seen("facing_away", AWAY_S) and look.look in allowed:
        # A glance: what was said before it holds until it is more than one.
        look.wanted, look.against_s = None, None
        return None
    wanted, sure = _wanted(now, allowed)
    _remember(look, wanted, sure)
    target = _target(look, allowed)
    if target is None:
        return None
    ended = finish(look, look.at_s)
    look.look, look.since_s, look.confidence_s = target, look.at_s, 0.0
    look.wanted, look.against_s = None, None
    look.confidence = sure if target == wanted else 0.0
    return ended


def finish(look: Look, at_s: float) -> LookEnded:
    """The person has left, or the session ends: the running look is over."""
    end_s = max(at_s, look.since_s)
    lasted_s = end_s - look.since_s
    mean = look.confidence_s / lasted_s if lasted_s > 0 else look.confidence
    return LookEnded(look.look, look.since_s, end_s, min(1.0, mean))


def _wanted(now: Evidence, allowed: Collection[str]) -> tuple[str, float]:
    """The look that the evidence asks for, and how sure it is."""
    for name, rule in RULES:
        sure = rule(now) if name in allowed else None
        if sure is not None:
            return name, _ratio(sure)
    return CANT_TELL, 0.0


def _remember(look: Look, wanted: str, sure: float) -> None:
    """Since when something else is wanted, and since when nothing speaks for the look."""
    if wanted == look.look:
        look.wanted, look.against_s, look.confidence = None, None, sure
        return
    if look.against_s is None:
        look.against_s = look.at_s
    if wanted != look.wanted:
        look.wanted, look.wanted_s = wanted, look.at_s


def _target(look: Look, allowed: Collection[str]) -> str | None:
    """The look to change to now, None to stay."""
    if look.look not in allowed:
        return CANT_TELL
    if look.wanted is None or look.against_s is None:
        return None
    if look.look != CANT_TELL and look.at_s - look.since_s < MIN_DWELL_S:
        return None
    wait_s = 0.0 if look.wanted == TURNED_AWAY else ENTER_S
    if look.wanted != CANT_TELL and look.at_s - look.wanted_s >= wait_s:
        return look.wanted
    return CANT_TELL if _doubted(look) else None


def _doubted(look: Look) -> bool:
    return (
        look.look != CANT_TELL
        and look.against_s is not None
        and look.at_s - look.against_s >= DOUBT_S
    )


def _ratio(value: float) -> float:
    """``value`` within 0..1; NaN is 0."""
    return min(1.0, value) if value > 0 else 0.0
