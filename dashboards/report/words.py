"""Everything that a report says, in one place: plain sentences about how faces looked.

Like readroom.words, whose states, looks, actions and events it takes up: never what went on in
anybody, and for a purpose without emotion no word for one. There :data:`_FULL` isn't there at all,
and :data:`_SILENT` stands in place of what needs another sentence: asking for anything else is a
KeyError, and nothing that could be shown. A test holds every template against the same lists of
words as those of readroom.words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from readroom.words import Vocabulary, signed, vocabulary

_COMMON: Final = {
    # the head
    "document": "readroom report: {title}",
    "untitled": "Session in room “{room}”",
    "when": "When",
    "length": "Length",
    "room": "Room",
    "purpose": "Read for",
    "purpose_none": "nobody was asked",
    "who": "People",
    "who_nobody": "nobody",
    "kind_recording": "{moment} (a recording, analysed then)",
    "kind_live": "{moment}",
    "running": "Still running, as of {moment}: what comes later isn't in here, and figures may "
    "change.",
    "abandoned": "This session never got to its end (the program or the machine stopped): it is "
    "told up to {end}.",
    "made": "Made on {moment} by readroom {version}.",
    "contents": "Contents",
    # headings
    "summary": "Summary",
    "curve": "The room over time",
    "curve_one": "Over time",
    "people": "Each person",
    "markers": "At each marker",
    "moments": "Moments that stand out",
    "comparison": "Beside the other session",
    "notes": "Notes",
    "coverage": "What this rests on",
    "appendix": "Technical appendix",
    # summary
    "nobody": "Nobody was seen in this session: no camera found a face.",
    "seen_one": "One person was seen over {length}.",
    "seen": "{count} people were seen over {length}.",
    "readable_one": "The face could be read for {percent} of the time.",
    "readable": "Their faces could be read for {percent} of the time they were there.",
    "readable_range": "Their faces could be read for {percent} of the time they were there (from "
    "{least} to {most}).",
    "one_room": "What is said of a room needs two people, so nothing is said of the room.",
    "too_little": "{who} could be read for {readable} of {there} only: too little to say how they "
    "looked.",
    "others": "For the other {count} people see the table below.",
    "other": "For one more see the table below.",
    "turn": "At {time}: {sentence}",
    "no_markers": "Nothing was marked; `readroom mark` while a session runs divides it into parts.",
    # the curve
    "no_curve_one": "No curve of the room: it needs two people, and one was seen.",
    "no_curve": "No curve of the room: at no moment could two people be seen well enough for 5 s.",
    "minute_line": "the room's mean over the minute before, with its 95 % interval over people",
    "own_line": "this person, without an interval: there are no others",
    "gap": "A gap: too little was seen to say.",
    "marker_line": "marker",
    "turn_sign": "a turn of the room",
    "peak_sign": "a peak of the room",
    "curve_title": "{what} over {length}",
    "curve_desc": "Between {low} and {high}; at first {first}, at last {last}; {markers} markers, "
    "{moments} turns and peaks. {known} of the time could be told.",
    "curve_empty": "Nothing can be told.",
    # strips
    "strip_title": "{who} over {length}",
    "strip_desc": "{who}: {states}.",
    "legend_states": "Upper band",
    "legend_looks": "Lower band",
    "legend_markers": "Thin lines: markers, numbered as in the table.",
    "strips_more": "{count} more people, who were there more briefly, have no strip.",
    "person": "Person",
    "there": "There",
    "in_view": "In view",
    "seen_for": "Readable",
    "seen_share": "Readable, share",
    "totals": "How long each person was seen how",
    "front": "Facing the front",
    # markers
    "marker": "Marker",
    "time": "Time",
    "whole_room": "Room",
    "marker_more": "{count} more markers have no row here: shown are those with the largest "
    "changes. All are in `readroom export`.",
    "change_none": "no change found",
    "change_cant_tell": "can't tell",
    "reason_edge": "too near an end of the session",
    "reason_unreadable": "not readable before or after",
    "reason_short": "too short a timeline to know what is usual",
    "reason_many": "too short a timeline beside so many comparisons",
    "reason_few": "fewer than 3 people readable",
    "reason_unanswered": "no answer was told",
    "before_after": "{before}, then {after}",
    "chance": "{tested} comparisons were made. By chance about {expected} of them would have an "
    "interval without 0; {beyond} had.",
    "chance_named": "{named} of them still hold beside so many comparisons, and are named: of "
    "changes that are named so, one in ten at most is by chance, on average.",
    "chance_unnamed": "None holds beside so many comparisons, so none is named.",
    "chance_short": "In {count} of them no single change, however large, could hold beside so "
    "many: there it can't be told.",
    "chance_none": "No comparison could be made: too little was seen around the markers, or the "
    "session is too short to know what is usual.",
    "chance_room": "The room's answers are each judged by their own interval over people: about "
    "one in twenty leaves out 0 by chance.",
    "table": "Table: {what}",
    "part": "Table: {what}, part {n} of {of}",
    "no_marker": "Nothing was marked in this session.",
    # moments
    "what": "What",
    "kind": "Kind",
    "no_moments": "No moment stands out.",
    "kind_inflection": "turn of the room",
    "kind_peak": "peak of the room",
    "kind_deviation": "unlike before",
    "kind_look_ended": "long look",
    "kind_action_ended": "visible action",
    "kind_response": "answer to a marker",
    # comparison
    "compared_with": "“{title}”, {moment}, {length}",
    "this": "This session",
    "the_other": "The other",
    "difference": "Difference",
    "figure": "Figure",
    "verdict": "So",
    "people_counted": "{n} people",
    "people_counted_one": "1 person",
    "stretches_counted": "{n} stretches",
    "stretches_counted_one": "1 stretch",
    "more_now": "more now",
    "less_now": "less now",
    "no_difference": "no difference found",
    "cant_compare": "can't tell",
    "coverage_row": "Readable, share of the time there",
    "people_row": "People",
    "length_row": "Length",
    "same_names": "People of the same name",
    "no_names": "Nobody bears the same name in both: people aren't compared one by one. (P1 of one "
    "session is anybody in another.)",
    "same_markers": "Markers of the same label",
    "no_same_markers": "No marker has the same label in both.",
    "same_markers_what": "The room's answer: mean of the 5 s after the marker minus that of the "
    "5 s before, over people.",
    "compared_basis": "The room's intervals are over people ({figures}); a person's over stretches "
    "of 30 s; a marker's are made of both answers' own. Other people, other cameras and other "
    "light make a difference, too.",
    # coverage
    "camera": "Camera",
    "source": "Source",
    "frames": "Frames read",
    "dropped": "Not read",
    "none_dropped": "none",
    "drop": "{count} {reason}",
    "cameras": "The cameras",
    "caveats": "Read with care",
    "c_looks": "Everything here is about how people looked to cameras and networks. It is no proof "
    "of anything, and no ground for a judgement on one person.",
    "c_people": "{count} people are few: one more or less changes the room's figures, and their "
    "interval is wide.",
    "c_coverage": "{who}: readable for {percent} of the time only. What was read may differ from "
    "what wasn't.",
    "c_coverage_many": "{count} of {n} people were readable for less than 60 % of the time. What "
    "was read may differ from what wasn't.",
    "c_dropped": "Camera {camera}: {percent} of its frames weren't read ({reasons}).",
    "c_small": "{who}: the face was too small for {duration}. A camera nearer, or a longer lens, "
    "would help.",
    "c_half": "The first half could be read for {first} of the time, the second for {second}: "
    "light, seats or the angle may have changed, so compare the two with care.",
    "c_merged": "{count} timelines were joined with another person's, by hand or because the "
    "network for identities found them to be one.",
    "c_identity": "No network for identities ran: somebody who was away for longer than 30 s is a "
    "new person here.",
    "c_purpose": "Nobody was asked what this was read for.",
    "c_chance": "Intervals are 95 %: about one in twenty doesn't hold what it is about.",
    # appendix
    "session_id": "Session",
    "state": "State",
    "state_open": "running",
    "state_closed": "ended",
    "state_abandoned": "never got to its end",
    "started": "Time 0 s is",
    "saved": "Last written",
    "program": "Program",
    "program_value": "readroom {version}; session store of schema {schema}",
    "points": "Points of timelines",
    "points_value": "{count}, one every {step} per person",
    "rows": "Other rows",
    "rows_value": "events: {events}; figures of the room: {figures}; markers: {markers}; "
    "notes: {notes}",
    "networks": "Networks",
    "network": "{engine}: {model}",
    "networks_none": "not recorded",
    "definitions": "How it is counted",
    "d_front": "Facing the front: of the time in which it could be told where the head pointed.",
    "d_gap": "Points more than {gap} apart leave a gap, which counts for nothing.",
    "d_documents": "All definitions, formulas and sources: docs/report.md and docs/semantics.md of "
    "readroom.",
    "nothing": "–",
}

#: What names an expression, or rests on one.
_FULL: Final = {
    "honesty": "What faces looked like, not what people felt.",
    "looked": "{who} looked {looks} of the {readable} in which the face could be read "
    "({percent} of the time there).",
    "looked_most": "{who} looked {looks} of the {readable} in which the face could be read "
    "({percent} of the time there), most of it {most}.",
    "look_for": "{look} for {duration}",
    "most_after": "after “{label}”",
    "most_before": "before “{label}”",
    "state_mostly": "{who} couldn't be summed up as attentive-, puzzled-, displeased- or "
    "amused-looking; the expression was mostly {state} ({duration} of the {readable} in which the "
    "face could be read, {percent} of the time there).",
    "course": "One after the other the face looked {parts}.",
    "course_part": "{state} from {start} to {end}",
    "course_part_last": "{state} from {start} on",
    "named": "At “{label}” {who} looked {direction} than in the 5 s before, by {value} ({low} to "
    "{high}).",
    "direction_more": "more pleased",
    "direction_less": "less pleased",
    "named_more": "{count} more such changes are in the table.",
    "named_none_one": "At the marker a large change of the face could have been told; none was "
    "found that is more than it changes anyway.",
    "named_none": "Of {all} comparisons (each face at each marker) a large change could have been "
    "told in {telling}; none was found there that is more than the face changes anyway.",
    "named_unknown": "Whether faces changed at the markers can't be told: too little was seen "
    "around them, or the session is too short for so many comparisons.",
    "curve_what": "How pleased the faces looked",
    "curve_what_one": "How pleased the face looked",
    "curve_up": "more pleased-looking",
    "curve_down": "less pleased-looking",
    "curve_unit": "valence, −1 to +1",
    "seconds_line": "the same faces, {width} at a time",
    "legend_states_what": "how a viewer would name the expression",
    "legend_looks_what": "how they looked all in all",
    "change_more": "more pleased-looking",
    "change_less": "less pleased-looking",
    "marker_head": "Change of how pleased each face looked (valence, −1 to +1): mean of the 5 s "
    "after the marker minus mean of the 5 s before, with its 95 % interval. A change is named "
    "where it is more than that face changes anyway from one 5 s to the next.",
    "c_mesh": "No network for brows and lids ran: nobody can look puzzled here, and “attentive” "
    "doesn't know of closed eyes.",
    "c_no_expression": "No network for expressions ran: nothing is said of how faces looked.",
    "c_network": "Networks name what most viewers would name. They are wrong on some faces more "
    "than on others; the model cards say how often.",
    "d_readable": "Readable: the face was in view, large and sharp enough, and a network had named "
    "it lately. “Can't tell” is readable, with no majority.",
    "d_valence": "Valence: the place of the eight probabilities between unpleasant (−1) and "
    "pleasant (+1), after Russell & Mehrabian 1977; no network reads it from a face.",
    "d_look": "A look is named by rules over expression and visible actions; the first that "
    "applies of turned away, displeased, amused, puzzled, attentive.",
    "d_change": "A change at a marker: its interval and its chance come from the same difference "
    "at every half second of that person's session (at least {moments} of them); named at a false "
    "discovery rate of {rate} and from {least} on.",
    "d_room": "The room's curve: each person's mean over the minute before, then the mean over "
    "people, 95 % by Student's t; at least 2 people, readable for 30 % of it.",
}

#: In place of these where no expression may be read.
_SILENT: Final = {
    "honesty": "Who was in view and what they visibly did; nothing was read from faces beyond "
    "that.",
    "readable_one": "They were seen well for {percent} of the time.",
    "readable": "They were seen well for {percent} of the time they were there.",
    "readable_range": "They were seen well for {percent} of the time they were there (from {least} "
    "to {most}).",
    "too_little": "{who} was seen well for {readable} of {there} only: too little to say what they "
    "did.",
    "did": "{who} was in view for {in_view} of {there}{front}.",
    "did_front": ", and faced the front for {percent} of the {known} in which that could be told",
    "did_actions": "Also: {actions}.",
    "did_action": "{action} for {duration}",
    "named": "At “{label}” {who} faced the front {direction} than in the 5 s before, by {value} "
    "({low} to {high}) of the time.",
    "direction_more": "more",
    "direction_less": "less",
    "named_more": "{count} more such changes are in the table.",
    "named_none_one": "At the marker a large turn to the front, or away, could have been told; "
    "none was found that is more than the person turns anyway.",
    "named_none": "Of {all} comparisons (each person at each marker) a large turn to the front, or "
    "away, could have been told in {telling}; none was found there that is more than the person "
    "turns anyway.",
    "named_unknown": "Whether anybody turned at the markers can't be told: too little was seen "
    "around them, or the session is too short for so many comparisons.",
    "curve_what": "Share of people facing the front",
    "curve_what_one": "Facing the front",
    "curve_up": "everybody",
    "curve_down": "nobody",
    "curve_unit": "share, 0 to 1",
    "seconds_line": "the same people, {width} at a time",
    "legend_states_what": "whether they were in view",
    "legend_looks_what": "where the head pointed",
    "change_more": "more to the front",
    "change_less": "less to the front",
    "marker_head": "Change of how much each person faced the front (share of the time): the 5 s "
    "after the marker minus the 5 s before, with its 95 % interval. A change is named where it is "
    "more than that person turns anyway from one 5 s to the next.",
    "seen_for": "Seen well",
    "seen_share": "Seen well, share",
    "coverage_row": "Seen well, share of the time there",
    "reason_unreadable": "couldn't be told before or after",
    "reason_few": "fewer than 3 people told",
    "c_looks": "Everything here is about what cameras saw. It is no proof of anything, and no "
    "ground for a judgement on one person.",
    "c_coverage": "{who}: seen well for {percent} of the time only. What was seen may differ from "
    "what wasn't.",
    "c_coverage_many": "{count} of {n} people were seen well for less than 60 % of the time. What "
    "was seen may differ from what wasn't.",
    "c_half": "In the first half people were seen well for {first} of the time, in the second for "
    "{second}: light, seats or the angle may have changed.",
    "d_readable": "Seen well: in view, with a face large enough.",
    "d_change": "A change at a marker: its interval and its chance come from the same difference "
    "at every half second of that person's session (at least {moments} of them); named at a false "
    "discovery rate of {rate} and from {least} on.",
    "d_room": "The room's curve: each person's share over the minute before, then the mean over "
    "people, 95 % by Wilson; at least 2 people, told for 30 % of it.",
}

#: What is compared, by figure.
_FIGURES: Final = {
    "valence": "How pleased the faces looked (−1 to +1)",
    "expressiveness": "Expressiveness of the faces (0 to 1)",
    "facing_front": "Facing the front (share of the time)",
}


@dataclass(frozen=True, slots=True)
class Words:
    """A report's own ``texts``, and the ``vocabulary`` of everything that is told of people."""

    vocabulary: Vocabulary
    texts: Mapping[str, str]
    figures: Mapping[str, str]

    def say(self, key: str, **fields: object) -> str:
        """A sentence, filled. Raises KeyError for one that these words don't have."""
        return self.texts[key].format_map(fields)


def words(without_emotion: bool) -> Words:
    """The words of a report; without emotion, none for one."""
    own = _SILENT if without_emotion else _FULL
    figures = {"facing_front": _FIGURES["facing_front"]} if without_emotion else _FIGURES
    return Words(
        vocabulary(without_emotion), MappingProxyType({**_COMMON, **own}), MappingProxyType(figures)
    )


def interval(low: float | None, high: float | None) -> str:
    """An interval: "−0.30 to +0.06"."""
    return f"{signed(low)} to {signed(high)}"


def listed(parts: Sequence[str]) -> str:
    """ "a, b and c"."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
