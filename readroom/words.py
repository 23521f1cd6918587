"""Every word that a person may read about people and cameras, in one place.

A read-out says what somebody looked like, what they visibly did, or what a viewer would name it:
with how long, how many and how sure. It never says what goes on in anybody. A test holds every
template here against a list of words that would.

A :class:`Vocabulary` is chosen whole by :func:`vocabulary`: for a language, and for whether
expressions may be named at all. Where they may not (readroom.purpose), it knows no word for them:
a caller that asks for one gets a KeyError, and nothing that could be shown.

Templates are filled with ``str.format_map``, on the page by static/words.js: as text and never as
markup. The groups, and the placeholders that a group's templates may use (FIELDS), are:

- ``states``, ``looks``, ``actions``, ``measures``, ``deviations``: none
- ``events``: by kind of event; one that ends in ``_sure`` is taken where the event says how sure it
  is, one that ends in ``_bare`` where it carries no measure, one that ends in ``_changed`` where it
  says in words in which direction, and by how much, a measure changed
- ``changes``: what a measure that has risen, or fallen, is called
- ``room``: about everybody; ``page``: the live page's own; ``check``: what is wrong with the view,
  and what to do about it
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, TypedDict

from readroom.errors import BadSettings
from readroom.messages import (
    NOT_READ,
    NOT_VISIBLE,
    PLAIN_DEVIATIONS,
    PLAIN_LOOKS,
    PLAIN_MEASURES,
    PLAIN_STATES,
    TOO_SMALL,
    UNCERTAIN,
    Event,
    Measure,
    Purpose,
)


class StateWords(TypedDict):
    """``label`` stands in a band or a legend, ``readout`` beside a person's name, ``past`` in
    what is over."""

    label: str
    readout: str
    past: str


class ChangeWords(TypedDict):
    """What is said of a measure that is ``more``, or ``less``, than before."""

    more: str
    less: str


Texts = Mapping[str, str]
Sayings = Mapping[str, StateWords]

_MONTHS: Final = (
    ("January", "February", "March", "April", "May", "June", "July")
    + ("August", "September", "October", "November", "December")
)  # fmt: skip
#: Placeholders that the templates of a group may use. Every event has all of its group's
#: (:func:`event_fields`).
FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "events": frozenset(
        ("who", "other", "what", "past", "phase", "camera", "duration", "sure", "label")
        + ("value", "low", "high", "n", "coverage", "change")
    ),
    "room": frozenset(
        ("who", "readout", "label", "duration", "sure", "count", "n", "percent")
        + ("value", "low", "high", "coverage")
    ),
    "page": frozenset(
        ("engines", "room", "end", "since", "count", "duration", "label", "percent", "valence")
        + ("arousal", "visible", "known", "name", "time", "past", "fps", "lag", "width", "height")
        + ("frames", "reasons", "people", "value", "low", "high", "n", "reason", "engine")
    ),
    "check": frozenset(
        ("who", "camera", "room", "n", "count", "width", "limit", "goal", "factor", "percent")
        + ("phase", "lag", "seconds", "degrees", "light", "sharp")
    ),
}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All words of one language and profile. ``states``, ``looks``, ``actions``, ``measures`` and
    ``changes`` are named as in readroom.messages, ``deviations`` as the measurements of
    aggregator/deviation.py; a profile without emotion lacks those it must not name."""

    language: str
    without_emotion: bool
    states: Sayings
    looks: Sayings
    actions: Sayings
    measures: Texts
    changes: Mapping[str, ChangeWords]
    deviations: Texts
    phases: Texts
    drops: Texts
    events: Texts
    room: Texts
    page: Texts
    check: Texts

    def templates(self) -> Iterator[tuple[str, str, str]]:
        """Everything that can be shown: group, key, text."""
        for group in ("states", "looks", "actions"):
            sayings: Sayings = getattr(self, group)
            for key, saying in sayings.items():
                yield group, f"{key}.label", saying["label"]
                yield group, f"{key}.readout", saying["readout"]
                yield group, f"{key}.past", saying["past"]
        for key, change in self.changes.items():
            yield "changes", f"{key}.more", change["more"]
            yield "changes", f"{key}.less", change["less"]
        for group in (
            "measures",
            "deviations",
            "phases",
            "drops",
            "events",
            "room",
            "page",
            "check",
        ):
            texts: Texts = getattr(self, group)
            for key, text in texts.items():
                yield group, key, text


def vocabulary(without_emotion: bool, language: str = "en") -> Vocabulary:
    """The words to use. Raises BadSettings for a language that nobody has written yet."""
    try:
        full, silent = _LANGUAGES[language]
    except KeyError:
        known = ", ".join(_LANGUAGES)
        raise BadSettings(f"language={language}: no such vocabulary; there is {known}") from None
    return silent if without_emotion else full


def seconds(value_s: float) -> str:
    """A time as people say it: "4.2 s" below ten seconds, then "12 s", "2 min 5 s", "1 h 3 min"."""
    if value_s < 9.95:
        return f"{max(0.0, value_s):.1f} s"
    minutes, rest = divmod(round(value_s), 60)
    if minutes == 0:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def clock(value_s: float, *, fine: bool = False) -> str:
    """A session time: "12:03", "1:02:03"; ``fine``: "10.2 s", for sessions of a minute or two."""
    if fine:
        return f"{max(0.0, value_s):.1f} s"
    minutes, rest = divmod(int(max(0.0, value_s)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def moment(at: float) -> str:
    """A wall clock time: "21 November 2026, 10:30 UTC"; Unix s."""
    try:
        when = datetime.fromtimestamp(at, UTC)
    except (OverflowError, ValueError, OSError):
        return "?"
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}, {when:%H:%M} UTC"


def percent(ratio: float) -> str:
    """A share, or how sure something is (0..1): "82 %"."""
    return f"{round(ratio * 100)} %"


def sure(ratio: float) -> str:
    """How sure something is: "82 %". A network that is all but certain isn't right for it: nothing
    is ever said to be 100 % sure."""
    return "over 99 %" if ratio > 0.995 else percent(ratio)


def signed(value: float | None) -> str:
    """A figure with its sign and a true minus: "+0.42", "−0.05", "0.00"; "?" for None."""
    if value is None:
        return "?"
    digits = f"{abs(value):.2f}"
    if float(digits) == 0:
        return digits
    return f"{'−' if value < 0 else '+'}{digits}"


def event_sentence(words: Vocabulary, event: Event, names: Mapping[int, str]) -> str:
    """What an event says, in one sentence: "P3 looked displeased for 4.2 s, 82 % sure".

    ``names`` maps people's numbers in the session to names; who has none is called as the room
    calls them. Raises KeyError for a kind, or something named by the event, that this vocabulary
    has no word for.
    """
    fields = event_fields(words, event, names)
    kind = event.kind
    if event.confidence > 0 and f"{kind}_sure" in words.events:
        kind = f"{kind}_sure"
    elif (event.measure is None or event.measure.value is None) and f"{kind}_bare" in words.events:
        kind = f"{kind}_bare"
    elif f"{kind}_unclear" in words.events and _unclear(event.measure):
        kind = f"{kind}_unclear"
    elif f"{kind}_changed" in words.events:
        kind = f"{kind}_changed"
    return words.events[kind].format_map(fields)


def _unclear(measure: Measure | None) -> bool:
    """Whether a difference may be none: no interval, or one that holds 0."""
    if measure is None or measure.low is None or measure.high is None:
        return True
    return measure.low <= 0 <= measure.high


def look_sentence(words: Vocabulary, look: str, who: str) -> str:
    """What somebody looks like now: "P3 looks puzzled", "nothing can be told of P3". Raises
    KeyError for a look that this vocabulary has no word for."""
    readout = words.looks[look]["readout"]
    template = words.room.get(f"look_{look}", words.room["look"])
    return template.format_map({"who": who, "readout": readout})


def event_fields(words: Vocabulary, event: Event, names: Mapping[int, str]) -> dict[str, str]:
    """Every placeholder of ``events``, filled from one event; what it doesn't say is empty."""
    measure = event.measure
    state = event.state or ""
    return {
        "who": _name(names, event.person, "" if event.slot is None else f"P{event.slot}"),
        "other": _other(words, event, names),
        "what": _what(words, event),
        "past": _past(words, event.kind, state),
        "phase": words.phases[state] if event.kind == "camera" else "",
        "camera": event.camera or "",
        "duration": seconds(event.end_s - event.start_s),
        "sure": sure(event.confidence),
        "label": state if event.kind in ("marker", "response") else "",
        "value": signed(measure.value if measure else None),
        "low": signed(measure.low if measure else None),
        "high": signed(measure.high if measure else None),
        "n": str(measure.n if measure else 0),
        "coverage": percent(measure.coverage if measure else 0.0),
        "change": _change(words, event),
    }


def _name(names: Mapping[int, str], person: int | None, pseudonym: str) -> str:
    return pseudonym if person is None else names.get(person, pseudonym)


def _other(words: Vocabulary, event: Event, names: Mapping[int, str]) -> str:
    """The other one of two who were merged or split; while all slots are taken, one has none."""
    if event.kind not in ("merged", "split"):
        return ""
    return _name(names, event.other, event.state or words.room["without_slot"])


def _what(words: Vocabulary, event: Event) -> str:
    """Of what the event's measure is: a figure of the room, or a person's."""
    if event.kind == "response":  # Without a figure it says that there is none.
        return words.measures[event.figure] if event.figure else ""
    if event.kind in ("inflection", "peak"):
        return words.measures[event.figure or event.state or ""]
    return words.deviations[event.figure or event.state or ""] if event.kind == "deviation" else ""


def _change(words: Vocabulary, event: Event) -> str:
    """A difference in words, with its interval seen in the same direction: "less … by 0.12
    (−0.06 to +0.30)" of −0.12 (−0.30 to +0.06)."""
    measure = event.measure
    if event.kind not in _DIFFERENCES or measure is None or measure.value is None:
        return ""
    said = words.changes[event.figure or event.state or ""]
    value, low, high = measure.value, measure.low, measure.high
    less = signed(value).startswith("−")
    if less:
        low, high = _opposite(measure.high), _opposite(measure.low)
    fields = {"value": f"{abs(value):.2f}", "low": signed(low), "high": signed(high)}
    label = said["less" if less else "more"]
    return words.room["change"].format_map({"label": label, **fields})


def _opposite(value: float | None) -> float | None:
    return None if value is None else -value


def _past(words: Vocabulary, kind: str, state: str) -> str:
    ended = {"state_ended": words.states, "look_ended": words.looks, "action_ended": words.actions}
    return ended[kind][state]["past"] if kind in ended else ""


#: Kinds whose measure is a difference: after minus before.
_DIFFERENCES: Final = ("response", "inflection", "peak")


def _say(label: str, readout: str, past: str) -> StateWords:
    return {"label": label, "readout": readout, "past": past}


def _looks(adjective: str, label: str | None = None) -> StateWords:
    return _say(label or adjective, f"looks {adjective}", f"looked {adjective}")


_STATES: Final[dict[str, StateWords]] = {
    "neutral": _looks("neutral"),
    "happiness": _looks("happy"),
    "surprise": _looks("surprised"),
    "sadness": _looks("sad"),
    "anger": _looks("angry"),
    "disgust": _looks("disgusted"),
    "fear": _looks("afraid"),
    "contempt": _looks("contemptuous"),
    UNCERTAIN: _say("can't tell", "can't tell", "was hard to read"),
    NOT_VISIBLE: _say("not in view", "not in view", "was not in view"),
    TOO_SMALL: _say("too small", "face too small to read", "had a face too small to read"),
    NOT_READ: _say("not read", "expression not read", "was not read"),
}

#: Seen, and nothing is said of the face: what "not read" is where nothing may be read.
_IN_VIEW: Final = _say("in view", "in view", "was in view")

_LOOKS: Final[dict[str, StateWords]] = {
    "attentive": _looks("attentive", "attentive-looking"),
    "puzzled": _looks("puzzled", "puzzled-looking"),
    "displeased": _looks("displeased", "displeased-looking"),
    "amused": _looks("amused", "amused-looking"),
    "turned_away": _say("turned away", "is turned away", "was turned away"),
    "cant_tell": _say("can't tell", "can't tell", "was hard to read"),
}

_ACTIONS: Final[dict[str, StateWords]] = {
    "smiling": _say("smiling", "smiles", "smiled"),
    "brow_lowered": _say("brows lowered", "has lowered brows", "had lowered brows"),
    "brow_raised": _say("brows raised", "has raised brows", "had raised brows"),
    "mouth_open": _say("mouth open", "has an open mouth", "had an open mouth"),
    "talking": _say(
        "mouth moving", "moves the mouth as in talking", "moved the mouth as in talking"
    ),
    "eyes_closed": _say("eyes closed", "has closed eyes", "had closed eyes"),
    "facing_front": _say("facing the front", "faces the front", "faced the front"),
    "facing_away": _say("facing away", "faces away", "faced away"),
    "nodding": _say("nodding", "nods", "nodded"),
    "shaking_head": _say("shaking the head", "shakes the head", "shook the head"),
    "head_down": _say("head down", "has the head down", "had the head down"),
    "hand_at_face": _say("hand at the face", "has a hand at the face", "had a hand at the face"),
    "arms_crossed": _say("arms crossed", "has crossed arms", "had crossed arms"),
    "hand_raised": _say("hand raised", "has a raised hand", "had a raised hand"),
    "leaning_in": _say("leaning in", "leans in", "leaned in"),
    "leaning_out": _say("leaning back", "leans back", "leaned back"),
    "still": _say("still", "keeps still", "kept still"),
    "fidgeting": _say("fidgeting", "fidgets", "fidgeted"),
}

_MEASURES: Final = {
    "valence": "how pleased the faces looked",
    "expressiveness": "expressiveness of the faces",
    "facing_front": "share of people facing the front",
    "synchrony": "how alike people changed at the same moments",
}

_CHANGES: Final[dict[str, ChangeWords]] = {
    "valence": {"more": "the faces looked more pleased", "less": "the faces looked less pleased"},
    "expressiveness": {
        "more": "the faces were more expressive",
        "less": "the faces were less expressive",
    },
    "facing_front": {
        "more": "a larger share of people faced the front",
        "less": "a smaller share of people faced the front",
    },
    "synchrony": {"more": "people changed more alike", "less": "people changed less alike"},
}

#: What differed most from somebody's own last minute; whether upwards or downwards isn't said.
_DEVIATIONS: Final = {
    "neutral": "how neutral the face looked",
    "happiness": "how happy the face looked",
    "surprise": "how surprised the face looked",
    "sadness": "how sad the face looked",
    "anger": "how angry the face looked",
    "disgust": "how disgusted the face looked",
    "fear": "how afraid the face looked",
    "contempt": "how contemptuous the face looked",
    "valence": "how pleased the face looked",
    "pitch": "how high the head was held",
    "yaw": "where the head was turned",
    "movement": "how much they moved",
}

#: A camera's phase, and the phase of the session.
_PHASES: Final = {
    "connecting": "connecting",
    "streaming": "delivering",
    "retrying": "lost, trying again",
    "ended": "played to its end",
    "stopped": "stopped",
    "waiting": "waiting",
    "rolling": "live, nothing is stored",
    "running": "live",
    "running_recording": "playing",
    "closed": "ended",
    "stale": "no data",
}

#: Why a frame was dropped; other reasons are shown as they are named.
_DROPS: Final = {
    "stale": "too old",
    "rate": "above the analysis rate",
    "trimmed": "overtaken by newer ones",
    "cadence": "between two readings",
    "undecodable": "unreadable",
    "overwritten": "overwritten before it was read",
    "out_of_memory": "Redis out of memory",
    "redis_away": "Redis away",
    "decode": "unreadable in the source",
    "unreported": "without a result",
    "failed": "failed",
    "superseded": "overtaken before they were sent",
    "other": "for other reasons",
}

_RESTS_ON: Final = "{n} people, readable {coverage}"
_INTERVAL: Final = f"{{value}} ({{low}} to {{high}}), {_RESTS_ON}"

#: One for every kind of event (messages.Event).
_EVENTS: Final = {
    "session_started": "The session began",
    "session_closed": "The session ended",
    "person_entered": "{who} came into view",
    "person_left": "{who} left the view",
    "camera": "Camera {camera}: {phase}",
    "state_ended": "{who} {past} for {duration}",
    "state_ended_sure": "{who} {past} for {duration}, {sure} sure",
    "look_ended": "{who} {past} for {duration}",
    "look_ended_sure": "{who} {past} for {duration}, {sure} sure",
    "action_ended": "{who} {past} for {duration}",
    "action_ended_sure": "{who} {past} for {duration}, {sure} sure",
    "deviation": "{who} looked unlike their own last minute for {duration}: {what}, {value} robust "
    "deviations",
    "deviation_bare": "{who} looked unlike their own last minute for {duration}: {what}",
    "inflection": f"The room turned, against before: {{what}}, {_INTERVAL}",
    "inflection_changed": f"The room turned: {{change}}, {_RESTS_ON}",
    "inflection_bare": "The room turned: {what}",
    "peak": f"The room was at its height, against the 20 s before: {{what}}, {_INTERVAL}",
    "peak_changed": "The room was at its height: {change} than in the 20 s before, " + _RESTS_ON,
    "peak_bare": "The room was at its height: {what}",
    "marker": "Marked: {label}",
    "response": f"After “{{label}}”, against the 5 s before: {{what}}, {_INTERVAL}",
    "response_changed": "After “{label}”: {change} than in the 5 s before, " + _RESTS_ON,
    "response_unclear": "After “{label}”, against the 5 s before: no clear change; "
    f"{{what}}, {_INTERVAL}",
    "response_bare": "After “{label}”: too little was seen to say",
    "merged": "{who} and {other} are one person",
    "split": "{who} and {other} are two people",
}

_ROOM: Final = {
    "person": "{who} {readout} for {duration}",
    "person_sure": "{who} {readout} for {duration}, {sure} sure",
    "look": "{who} {readout}",
    "look_cant_tell": "nothing can be told of {who}",
    "change": "{label} by {value} ({low} to {high})",
    "viewer": "a viewer would name it “{label}”, {sure} sure",
    "count": "{label}: {count} of {n} people, {percent}",
    "unreadable": "can't be read: {count} of {n} people",
    "measure": "{label}: {value} ({low} to {high}), {n} people, readable {coverage}",
    "too_little": "{label}: too little was seen to say ({n} people, readable {coverage})",
    "nobody": "Nobody in view",
    "without_slot": "somebody else",
}

_PAGE: Final = {
    "honesty": "What faces looked like, not what people felt.",
    "reading_with": "Networks: {engines}.",
    "no_expression": "Expressions are not being read.",
    "untitled": "Room “{room}”",
    "rolling": "Nothing is stored until a session is started, here or by `readroom session start`.",
    "waiting": "Waiting for the first camera",
    "waiting_hint": "The people in view appear here as soon as a camera delivers.",
    "nobody": "Nobody has been in view yet",
    "nobody_hint": "Everyone whose face a camera sees gets a card here.",
    "skip": "Skip to the people",
    "modes": "What is shown",
    "mode_page": "Page",
    "mode_wall": "Wall",
    "mode_speaker": "Speaker",
    "leave": "Back",
    "scheme": "Colours",
    "scheme_auto": "Auto",
    "scheme_light": "Light",
    "scheme_dark": "Dark",
    "help": "Help",
    "help_heading": "Keys",
    "help_clicker": "With the clicker on, its keys mark slides instead of scrolling this page: "
    "next and back count them, start is slide 1, and the dark screen is marked as such. This page "
    "has to be the one that gets the keys.",
    "key_mark": "Mark this moment, where nothing has the focus",
    "key_clicker": "Mark the slide, with the clicker on",
    "key_strip": "Read earlier moments, on a strip",
    "key_escape": "Close; leave the wall or the speaker's signs",
    "key_help": "This help",
    "single_keys": "Single keys (m, space, ?) work",
    "close": "Close",
    "cancel": "Cancel",
    "save": "Save",
    "deck": "Markers and session",
    "mark": "Mark",
    "mark_label": "What is going on now",
    "mark_hint": "What is going on now, such as “prices”",
    "mark_number": "mark {count}",
    "mark_slide": "slide {count}",
    "mark_dark": "screen dark",
    "marked": "Marked: {label}",
    "clicker": "Clicker marks slides",
    "asked": "Sent; the aggregator hasn't answered yet.",
    "refused": "Refused: {reason}",
    "unreachable": "Not done: the server doesn't answer.",
    "locked": "To mark, rename or control a session, open this page by its address with the token.",
    "session_start": "Start a session",
    "session_stop": "Stop",
    "session_title": "Title",
    "title_label": "Title",
    "ask_start": "Start a session",
    "ask_start_hint": "From then on read-outs are stored: figures and words, no pictures.",
    "done_start": "The session was started.",
    "ask_stop": "Stop the session",
    "ask_stop_hint": "People are still shown; nothing is stored any more.",
    "done_stop": "The session was stopped.",
    "ask_title": "Title of the session",
    "ask_title_hint": "It stands above this page and on the report.",
    "done_title": "The title was changed.",
    "menu": "Rename, merge or split {name}",
    "name_label": "Name (empty: the pseudonym)",
    "rename": "Rename",
    "done_rename": "The name was changed.",
    "merge_label": "Is the same person as",
    "merge": "Merge",
    "done_merge": "They are one person now.",
    "split_label": "Is somebody else in the view of",
    "split": "Split",
    "done_split": "They are two people now.",
    "person_gone": "Whom you chose isn't here any more; nothing was changed.",
    "earlier": "{name} (earlier)",
    "somebody_else": "somebody else",
    "people": "Person by person",
    "window": "Time shown",
    "window_1": "1 min",
    "window_3": "3 min",
    "window_10": "10 min",
    "legend": "What the colours and patterns say",
    "curve": "The room over time",
    "curve_of": "Which figure",
    "curve_now": "Now {value} ({low} to {high}); the band is the 95 % interval over people.",
    "curve_at": "{time}: {value} ({low} to {high})",
    "curve_none": "Too little was seen to say.",
    "curve_label": "{label} over time, now {value} ({low} to {high})",
    "curve_label_none": "{label} over time; too little was seen to say",
    "people_one": "1 person",
    "people_many": "{n} people",
    "measure": "{value} ({low} to {high}), {people}, readable {percent}",
    "measure_bare": "{value}, {people}, readable {percent}",
    "measure_none": "Too little was seen to say ({people}, readable {percent}).",
    "measure_stale": "No data.",
    "wall": "{label}: {value} ({low} to {high})",
    "wall_bare": "{label}: {value}",
    "wall_none": "{label}: too little was seen to say",
    "wall_readable": "readable {percent}",
    "gauge_low": "displeased-looking",
    "gauge_high": "pleased-looking",
    "cameras": "Cameras",
    "pictures_blurred": "Show pictures, faces blurred",
    "pictures_plain": "Show pictures",
    "events": "What happened",
    "rests": "What this rests on",
    "rests_meaning": "Every figure of the room comes with an interval, the number of people and "
    "the share of the time in which they could be read. Where that is too little, nothing is said.",
    "figure_people": "In view",
    "figure_coverage": "Faces readable",
    "figure_lag": "Age of the data",
    "figure_rate": "Frames/s analysed",
    "figure_drops": "Frames lost",
    "figure_cameras": "Cameras delivering",
    "cards": "Model cards",
    "card": "Model card: {engine}",
    "cant_tell": "Can't tell",
    "sign_room": "The room against a minute ago",
    "sign_more": "Looks more pleased",
    "sign_less": "Looks less pleased",
    "sign_same": "No clear change",
    "sign_room_rests": "{n} people, each compared with themselves",
    "sign_room_unknown": "Takes two people, readable now and a minute ago",
    "sign_turned": "Who turned",
    "sign_nobody": "Nobody just now",
    "sign_turned_unknown": "Too little was seen to say",
    "sign_readable": "How much can be read",
    "sign_readable_rests": "of the last minute; {visible} of {known} in view",
    "sign_readable_low": "of the last minute: rely on little; {visible} of {known} in view",
    "closed_live": "The session has ended at {end}; these are its last minutes.",
    "closed_live_whole": "The session has ended at {end}; this is its whole timeline.",
    "closed_recording": "The recording has ended at {end}; these are its last minutes.",
    "closed_recording_whole": "The recording has ended at {end}; this is its whole timeline.",
    "server_away": "This page has lost its server; trying again.",
    "redis_away": "The data store (Redis) doesn't answer; trying again.",
    "redis_away_since": "No data since {since}: the data store (Redis) doesn't answer; "
    "trying again.",
    "server_away_since": "No data since {since}: this page has lost its server; trying again.",
    "no_data_since": "No data since {since}: nothing comes from the aggregator.",
    "overflow": "More people came than there are strips: {count} without one.",
    "under_a_second": "under 1 s",
    "for_duration": "for {duration}",
    "look_for": "{label} for {duration}",
    "last_seen": "for {duration}, then no data",
    "mix_now": "The room now",
    "mix_last": "The room when last heard of",
    "in_view_for": "in view for {duration}",
    "share_of_time": "{label} {percent}",
    "confidence": "{percent} sure",
    "over_99": "over 99 %",
    "indices": "Valence {valence}, arousal {arousal}, from −1 to +1: derived from the "
    "probabilities of the eight expressions, not read from the face",
    "seen": "readable {percent}",
    "seen_hint": "Share of the last minute in which this face could be read",
    "in_view_of": "{visible} of {known}",
    "seen_people": "{known} people seen",
    "seen_person": "1 person seen",
    "seen_coverage": "faces readable {percent} of the last minute",
    "seen_coverage_closed": "faces readable {percent} of the time they were here",
    "share": "{label} {count} · {percent}",
    "mix_empty": "Nobody in view.",
    "strip": "{name} over time; arrow keys read earlier moments",
    "moment": "{time}: {past}",
    "moment_gap": "{time}: no data",
    "camera_rate": "{fps} frames/s",
    "camera_lag": "{lag} behind",
    "camera_size": "{width}×{height}",
    "camera_frames": "{frames} frames",
    "camera_dropped": "dropped: {reasons}",
    "camera_people": "{people} in view",
    "no_drops": "none dropped",
}

#: What the page says in place of this where no expression may be named.
_PAGE_WITHOUT_EMOTION: Final = {
    "honesty": "Who is in view and what they visibly do; nothing is read from faces beyond that.",
    "no_expression": "No expression is computed, stored or shown.",
    "sign_more": "More face the front",
    "sign_less": "Fewer face the front",
    "sign_room_unknown": "Takes two people, seen now and a minute ago",
    "nobody_hint": "Everyone whom a camera sees gets a card here.",
}

#: A look that isn't told: no face is read there, however well it is seen.
_NO_LOOK: Final = _say("not told", "is not seen turned away", "was not seen turned away")

_ROOM_WITHOUT_EMOTION: Final = {"look_cant_tell": "nothing is told of {who}"}

#: Page sentences that tell of emotion in whatever words.
_EMOTIONAL_PAGE: Final = ("indices", "gauge_low", "gauge_high")

#: A finding has its name; its remedy ends in ``_remedy``.
_CHECK: Final = {
    "head": "Room {room}, {seconds} s long: {n} in view, {count} of them can be read",
    "good": "Everybody in view can be read.",
    "bad": "{count} of {n} in view can't be read.",
    "trouble": "Something is in the way of a read-out: see the remedies.",
    "camera": "camera",
    "person": "person",
    "face_px": "face, px",
    "light": "light",
    "sharp": "sharp",
    "readable": "readable",
    "away": "turned away",
    "in_view": "in view",
    "behind": "behind",
    "finding": "finding",
    "remedy": "remedy",
    "fine": "can be read",
    "better": "could be seen better",
    "unfit": "can't be read",
    "too_small": "the face is {width} px wide, reading it takes {limit} px",
    "too_small_remedy": "move camera {camera} nearer, or zoom in, until the face is {factor} times "
    "as wide ({goal} px)",
    "too_small_there": "the face is {width} px wide, which this room doesn't read",
    "too_small_there_remedy": "move camera {camera} nearer, or zoom in; how wide a face has to be "
    "is said where the workers and the aggregator run (workers.min_face_px)",
    "small": "the face is {width} px wide: readable, and better from {goal} px on",
    "small_remedy": "move camera {camera} nearer, or zoom in, until the face is {factor} times "
    "as wide ({goal} px)",
    "turned_away": "turned away for {percent} of the time",
    "turned_away_remedy": "put a camera where {who} faces",
    "no_face": "somebody is there, and no face is found",
    "no_face_remedy": "see whether something is before the face of {who}, whether it is lit, and "
    "whether a camera sees it from the front",
    "turned": "the face is turned {degrees}° aside",
    "turned_remedy": "put camera {camera} where {who} faces",
    "bowed": "the face is bowed by {degrees}°",
    "bowed_remedy": "bring camera {camera} down to the height of the faces",
    "raised": "the face is raised by {degrees}°",
    "raised_remedy": "bring camera {camera} up to the height of the faces",
    "dark": "the face is dark: light {light} of 255, {limit} at least",
    "dark_remedy": "more light on {who} from the front, none from behind",
    "overlit": "the face is overlit: light {light} of 255, {limit} at most",
    "overlit_remedy": "less light on {who}, or a shorter exposure of camera {camera}",
    "blurred": "the face is blurred: sharpness {sharp}, {limit} at least",
    "blurred_remedy": "clean and focus the lens of camera {camera}; where people move, more light",
    "unreadable": "readable for {percent} of the time only, though the face is large enough",
    "unreadable_remedy": "see whether the face is half hidden: by a hand, a mask, a screen, "
    "somebody else",
    "camera_away": "camera {camera}: {phase}",
    "camera_away_remedy": "see whether it is switched on, and whether its address is right",
    "camera_empty": "camera {camera}: nobody in view",
    "camera_empty_remedy": "point it at the people, and see whether their faces are lit",
    "camera_behind": "camera {camera}: {lag} behind",
    "camera_behind_remedy": "fewer frames a second (--fps), or more workers",
    "nobody": "nobody is in view",
    "nobody_remedy": "point a camera at the people, and see whether their faces are lit",
    "overflow": "{count} more came than can be told apart",
    "overflow_remedy": "let each camera see fewer people, or give some a room of their own",
    "over": "the session is over",
    "over_remedy": "start the room again: what is in view can't be checked afterwards",
    "no_news": "the aggregator said nothing in {seconds} s",
    "no_news_remedy": "see whether cameras and workers run: `readroom doctor`, and their logs",
}

#: What the check says in place of this where no face is read.
_CHECK_WITHOUT_EMOTION: Final = {
    "head": "Room {room}, {seconds} s long: {n} in view, {count} of them seen well enough for "
    "visible actions",
    "good": "Everybody in view is seen well enough for visible actions.",
    "bad": "{count} of {n} in view not seen well enough for visible actions.",
    "trouble": "Something is in the way: see the remedies.",
    "readable": "seen well",
    "fine": "seen well",
    "unfit": "not seen well",
    "too_small": "the face is {width} px wide, visible actions take {limit} px",
    "too_small_there": "the face is {width} px wide, too small for visible actions in this room",
    "small": "the face is {width} px wide: enough, and better from {goal} px on",
    "blurred": "the picture is blurred: sharpness {sharp}, {limit} at least",
    "blurred_remedy": "focus camera {camera}, so that visible actions can be told; where people "
    "move, more light",
    "unreadable": "seen well for {percent} of the time only, though the face is large enough",
}

_ENGLISH: Final = Vocabulary(
    language="en",
    without_emotion=False,
    states=MappingProxyType(_STATES),
    looks=MappingProxyType(_LOOKS),
    actions=MappingProxyType(_ACTIONS),
    measures=MappingProxyType(_MEASURES),
    changes=MappingProxyType(_CHANGES),
    deviations=MappingProxyType(_DEVIATIONS),
    phases=MappingProxyType(_PHASES),
    drops=MappingProxyType(_DROPS),
    events=MappingProxyType(_EVENTS),
    room=MappingProxyType(_ROOM),
    page=MappingProxyType(_PAGE),
    check=MappingProxyType(_CHECK),
)


@dataclass(frozen=True, slots=True)
class _Instead:
    """What a language says where nothing is read from faces: ``in_view`` is what a face is then,
    ``no_look`` what is said of a look that isn't told; the texts replace those of their group."""

    in_view: StateWords
    no_look: StateWords
    room: Texts
    page: Texts
    check: Texts


def _silenced(full: Vocabulary, instead: _Instead) -> Vocabulary:
    """``full`` without any word for an expression or what is inferred from one."""
    states = {name: full.states[name] for name in PLAIN_STATES}
    looks = {name: full.looks[name] for name in PLAIN_LOOKS}
    kept = {key: text for key, text in full.page.items() if key not in _EMOTIONAL_PAGE}
    return replace(
        full,
        without_emotion=True,
        states=MappingProxyType({**states, NOT_READ: instead.in_view}),
        looks=MappingProxyType({**looks, "cant_tell": instead.no_look}),
        measures=MappingProxyType({name: full.measures[name] for name in PLAIN_MEASURES}),
        changes=MappingProxyType({name: full.changes[name] for name in PLAIN_MEASURES}),
        deviations=MappingProxyType({name: full.deviations[name] for name in PLAIN_DEVIATIONS}),
        room=MappingProxyType({**full.room, **instead.room}),
        page=MappingProxyType({**kept, **instead.page}),
        check=MappingProxyType({**full.check, **instead.check}),
    )


_INSTEAD: Final = _Instead(
    in_view=_IN_VIEW,
    no_look=_NO_LOOK,
    room=_ROOM_WITHOUT_EMOTION,
    page=_PAGE_WITHOUT_EMOTION,
    check=_CHECK_WITHOUT_EMOTION,
)

_LANGUAGES: Final[dict[str, tuple[Vocabulary, Vocabulary]]] = {
    "en": (_ENGLISH, _silenced(_ENGLISH, _INSTEAD)),
}


@dataclass(frozen=True, slots=True)
class PurposeWords:
    """What is asked, and said, about what the read-out is for (readroom.purpose).

    These words are read before a purpose is known, and name what the last two forbid; so they are
    no part of a Vocabulary. ``choices`` has one line for each of messages.PURPOSES, in their order.
    """

    question: str
    choices: Mapping[Purpose, str]
    article: str
    prompt: str
    again: str
    kept: str
    unknown: str
    overruled: str
    running: str
    painted: str
    later: str
    forbids: str


PURPOSE_WORDS: Final = PurposeWords(
    question="Room {room}: what is the read-out for? Its cameras see people: this is asked once.",
    choices=MappingProxyType(
        {
            "audience": "a speaker's audience: a talk, a pitch, a performance",
            "research": "research: a study whose participants agreed to it",
            "own_training": "training of your own: yourself, or people who practise with you",
            "safety": "safety: medical or safety reasons, such as somebody unwell at a machine",
            "workplace": "people at their work: staff, applicants, meetings of an employer",
            "education": "pupils or students: lessons, lectures, exams",
        }
    ),
    article="5 and 6: the EU AI Act (Regulation (EU) 2024/1689), Art. 5(1)(f), prohibits inferring "
    "emotions of people there, except for medical or safety reasons. Then no expression is "
    "computed, stored, exported or named: only who is in view and what they visibly do.",
    prompt="1 to {count}: ",
    again="{answer}: not one of 1 to {count}",
    kept="Kept for room {room}; `readroom purpose` shows and changes it.",
    unknown="Room {room}: not asked yet; it is asked before the first real camera.",
    overruled="READROOM_PURPOSE={purpose} (or the settings file) overrules it.",
    running="Room {room} is running now, for {purpose}.",
    painted="Room {room} is running now, without a purpose: its people are painted (demo room).",
    later="A running room keeps its purpose until it is started again.",
    forbids="Purpose {purpose}: no expression is computed, stored, exported or named "
    "(EU AI Act, Art. 5(1)(f)).",
)
