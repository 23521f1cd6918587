"""Every sentence the live page says about people and cameras, in one place.

A read-out says what a face looked like, never what a person felt. Placeholders in braces are
filled by the page (static/words.js), as text and never as markup.
"""

from __future__ import annotations

from typing import Final, TypedDict

from readroom.messages import NOT_READ, NOT_VISIBLE, STATES, TOO_SMALL, UNCERTAIN


class StateWords(TypedDict):
    """``label`` stands in a band or a legend, ``readout`` beside a person's name, ``past`` in
    what is over."""

    label: str
    readout: str
    past: str


#: Words for each of messages.STATES.
STATE_WORDS: Final[dict[str, StateWords]] = {
    "neutral": {"label": "neutral", "readout": "looks neutral", "past": "looked neutral"},
    "happiness": {"label": "happy", "readout": "looks happy", "past": "looked happy"},
    "surprise": {"label": "surprised", "readout": "looks surprised", "past": "looked surprised"},
    "sadness": {"label": "sad", "readout": "looks sad", "past": "looked sad"},
    "anger": {"label": "angry", "readout": "looks angry", "past": "looked angry"},
    "disgust": {"label": "disgusted", "readout": "looks disgusted", "past": "looked disgusted"},
    "fear": {"label": "afraid", "readout": "looks afraid", "past": "looked afraid"},
    "contempt": {
        "label": "contemptuous",
        "readout": "looks contemptuous",
        "past": "looked contemptuous",
    },
    UNCERTAIN: {"label": "can't tell", "readout": "can't tell", "past": "was hard to read"},
    NOT_VISIBLE: {"label": "not in view", "readout": "not in view", "past": "was not in view"},
    TOO_SMALL: {
        "label": "too small",
        "readout": "face too small to read",
        "past": "had a face too small to read",
    },
    NOT_READ: {"label": "not read", "readout": "expression not read", "past": "was not read"},
}

#: A camera's phase, and the phase of the session.
PHASE_WORDS: Final = {
    "connecting": "connecting",
    "streaming": "delivering",
    "retrying": "lost, trying again",
    "ended": "played to its end",
    "stopped": "stopped",
    "waiting": "waiting",
    "running": "live",
    "running_recording": "playing",
    "closed": "ended",
    "stale": "no data",
}

#: Why a frame was dropped; other reasons are shown as they are named.
DROP_WORDS: Final = {
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

SENTENCES: Final = {
    "honesty": "What faces looked like, not what people felt.",
    "reading_with": "Networks: {engines}.",
    "no_expression": "Expressions are not being read.",
    "untitled": "Room “{room}”",
    "waiting": "Waiting for the first camera",
    "waiting_hint": "The people in view appear here as soon as a camera delivers.",
    "nobody": "Nobody has been in view yet",
    "nobody_hint": "Everyone whose face a camera sees gets a strip here.",
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
    "last_seen": "for {duration}, then no data",
    "mix_now": "The room now",
    "mix_last": "The room when last heard of",
    "in_view_for": "in view for {duration}",
    "share_of_time": "{label} {percent}",
    "confidence": "{percent} sure",
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
    "event_session_started": "The session began",
    "event_session_closed": "The session ended",
    "event_person_entered": "{who} came into view",
    "event_person_left": "{who} left the view",
    "event_state_ended": "{who} {past} for {duration}",
    "event_camera": "Camera {camera}: {phase}",
}


class Words(TypedDict):
    """Everything, as ``/words`` serves it; ``order`` is that of a sample's state numbers."""

    order: tuple[str, ...]
    states: dict[str, StateWords]
    phases: dict[str, str]
    drops: dict[str, str]
    sentences: dict[str, str]


WORDS: Final[Words] = {
    "order": STATES,
    "states": STATE_WORDS,
    "phases": PHASE_WORDS,
    "drops": DROP_WORDS,
    "sentences": SENTENCES,
}
