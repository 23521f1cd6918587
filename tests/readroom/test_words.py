"""The vocabulary: complete, and without a word for what nobody can see."""

from __future__ import annotations

import html.parser
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import readroom.dashboards.live as live_package
from readroom.aggregator.deviation import MEASUREMENTS
from readroom.errors import BadSettings
from readroom.messages import (
    ACTIONS,
    EXPRESSIONS,
    LOOKS,
    MEASURES,
    PURPOSES,
    STATES,
    CameraPhase,
    Event,
    Measure,
    RoomState,
)
from readroom.words import (
    FIELDS,
    PURPOSE_WORDS,
    Vocabulary,
    event_sentence,
    look_sentence,
    percent,
    seconds,
    signed,
    sure,
    vocabulary,
)

STATIC = Path(live_package.__file__).resolve().parent / "static"

#: What would claim to know a mind, a character or a truth.
BANNED = re.compile(
    r"\b(felt|feel|feels|feeling|feelings|emotions? of|mood|moods|is lying|are lying|lie|lies|lied|"
    r"liar|truly|really|truth|truthful|honest|honestly|dishonest|sincere|insincere|thinks?|"
    r"thought|thinking|believes?|believed|wants?|wanted|intends?|intended|hopes?|hoped|knows|"
    r"mind|minds|personality|character|secretly|deceptive|deceives?|hides|suspicious)\b",
    re.IGNORECASE,
)
#: The one sentence that may say "felt": it says that this is not what is told.
HONESTY = "What faces looked like, not what people felt."

#: What would name an emotion, or an inference of one. The names of messages.EXPRESSIONS and LOOKS
#: are added below.
EMOTIONAL = re.compile(
    r"\b(emotions?|emotional|happy|happiness|joy|joyful|pleased|displeased|surprised?|sad|sadness|"
    r"ang(er|ry)|disgust(ed)?|afraid|fear(ful)?|contempt(uous)?|neutral|attentive|attention|puzzled|"
    r"confused|amused|bored|interested|engaged|valence|arousal|affect|sentiment|mood|stress(ed)?|"
    r"expressiveness|feel\w*|felt)\b",
    re.IGNORECASE,
)

BOTH = pytest.mark.parametrize(
    "words", [vocabulary(False), vocabulary(True)], ids=["full", "without emotion"]
)


def all_words() -> Iterator[Vocabulary]:
    yield vocabulary(False)
    yield vocabulary(True)


@BOTH
def test_no_template_says_what_goes_on_in_anybody(words: Vocabulary) -> None:
    for group, key, text in words.templates():
        assert text == HONESTY or not BANNED.search(text), (group, key, text)


@pytest.mark.parametrize(
    "text", ["{who} felt sad", "P1 is lying", "what {who} really wants", "in a good Mood"]
)
def test_the_list_of_banned_words_finds_them(text: str) -> None:
    assert BANNED.search(text)


def test_a_profile_without_emotion_has_no_word_for_one() -> None:
    silent = vocabulary(True)
    names = re.compile(rf"\b({'|'.join((*EXPRESSIONS, *LOOKS[:4]))})\b", re.IGNORECASE)
    texts = list(silent.templates())
    assert len(texts) > 150
    for group, key, text in texts:
        assert not EMOTIONAL.search(text), (group, key, text)
        assert not names.search(f"{key} {text}"), (group, key, text)


def test_the_list_of_emotion_words_finds_those_of_the_full_vocabulary() -> None:
    found = {key for _, key, text in vocabulary(False).templates() if EMOTIONAL.search(text)}
    assert {f"{name}.label" for name in EXPRESSIONS} <= found
    assert {f"{name}.past" for name in LOOKS[:4]} <= found
    assert {"indices", "valence", "expressiveness"} <= found


def test_the_full_vocabulary_has_words_for_everything_that_messages_name() -> None:
    words = vocabulary(False)
    assert tuple(words.states) == STATES
    assert tuple(words.looks) == LOOKS
    assert tuple(words.actions) == ACTIONS
    assert tuple(words.measures) == MEASURES
    assert tuple(words.changes) == MEASURES
    assert tuple(words.deviations) == MEASUREMENTS
    phases = set(get_args(CameraPhase)) | set(get_args(RoomState.__annotations__["phase"]) or ())
    assert phases <= set(words.phases)
    assert {"waiting", "rolling", "running", "closed"} <= set(words.phases)


def test_the_profile_without_emotion_keeps_what_can_be_seen() -> None:
    words = vocabulary(True)
    # "uncertain" would say that an expression was read.
    assert set(words.states) == set(STATES) - set(EXPRESSIONS) - {"uncertain"}
    assert tuple(words.actions) == ACTIONS
    assert set(words.looks) == {"turned_away", "cant_tell"}
    assert set(words.measures) == {"facing_front"}
    assert set(words.changes) == {"facing_front"}
    assert set(words.deviations) == {"pitch", "yaw", "movement"}
    assert words.without_emotion
    assert not vocabulary(False).without_emotion


@BOTH
def test_every_kind_of_event_has_a_sentence(words: Vocabulary) -> None:
    described = (Event.__doc__ or "").split("``confidence``", maxsplit=1)[0]
    kinds = set(re.findall(r"``(\w+)``", described)) - {"events"}
    kinds -= set(Event.__struct_fields__) - {"camera"}
    assert {"state_ended", "look_ended", "merged", "response"} <= kinds
    plain = {
        key for key in words.events if not key.endswith(("_sure", "_bare", "_changed", "_unclear"))
    }
    assert plain == kinds


@BOTH
def test_templates_use_known_placeholders_only(words: Vocabulary) -> None:
    for group, key, text in words.templates():
        used = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
        assert used <= FIELDS.get(group, frozenset()), (group, key)


@BOTH
def test_what_lasted_is_told_with_how_long_and_how_sure(words: Vocabulary) -> None:
    assert {"{duration}", "{value}"} <= set(re.findall(r"{\w+}", words.events["deviation"]))
    for kind in ("state_ended", "look_ended", "action_ended"):
        assert "{duration}" in words.events[kind]
        assert {"{duration}", "{sure}"} <= set(re.findall(r"{\w+}", words.events[f"{kind}_sure"]))
    for kind in ("inflection", "peak", "response"):
        told = set(re.findall(r"{\w+}", words.events[kind]))
        assert {"{what}", "{n}", "{coverage}", "{low}", "{high}"} <= told
        told = set(re.findall(r"{\w+}", words.events[f"{kind}_changed"]))
        assert {"{change}", "{n}", "{coverage}"} <= told
    assert {"{value}", "{low}", "{high}"} <= set(re.findall(r"{\w+}", words.room["change"]))
    assert {"{n}", "{coverage}"} <= set(re.findall(r"{\w+}", words.room["measure"]))
    assert "{sure}" in words.room["viewer"]


@BOTH
def test_every_finding_of_the_check_has_a_remedy(words: Vocabulary) -> None:
    remedies = {key for key in words.check if key.endswith("_remedy")}
    assert remedies
    assert {key.removesuffix("_remedy") for key in remedies} <= set(words.check)


def test_a_language_that_nobody_wrote_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadSettings, match="language=xx: no such vocabulary; there is en"):
        vocabulary(False, "xx")


def event(kind: str, **fields: object) -> Event:
    values: dict[str, object] = {"start_s": 10.0, "end_s": 14.2, "slot": 3, "person": 7, **fields}
    return Event(room="room", session="s", kind=kind, **values)  # type: ignore[arg-type]


def room_event(kind: str, **fields: object) -> Event:
    return event(kind, slot=None, person=None, **fields)


FIGURE = Measure(value=-0.12, low=-0.3, high=0.06, n=5, coverage=0.84)
FELL = Measure(value=-0.12, low=-0.3, high=-0.06, n=5, coverage=0.84)
ROSE = Measure(value=0.24, low=-0.68, high=1.16, n=3, coverage=1.0)


@pytest.mark.parametrize(
    ("happened", "told"),
    [
        (
            event("look_ended", state="displeased", confidence=0.824),
            "P3 looked displeased for 4.2 s, 82 % sure",
        ),
        (event("look_ended", state="cant_tell"), "P3 was hard to read for 4.2 s"),
        (
            event("state_ended", state="not_visible", end_s=80.0),
            "P3 was not in view for 1 min 10 s",
        ),
        (
            event("action_ended", state="arms_crossed", confidence=0.7),
            "P3 had crossed arms for 4.2 s, 70 % sure",
        ),
        (event("merged", state="P5", other=9), "P3 and Anna are one person"),
        (event("merged", state="P4", other=4), "P3 and P4 are one person"),
        (event("split", person=9, state="P8", other=12), "Anna and P8 are two people"),
        (event("merged", state=None, other=31), "P3 and somebody else are one person"),
        (event("split", state=None, other=31), "P3 and somebody else are two people"),
        (event("split", state=None, other=9), "P3 and Anna are two people"),
        (event("person_left", slot=9, person=2), "P9 left the view"),
        (room_event("camera", camera="left", state="retrying"), "Camera left: lost, trying"),
        (
            room_event("inflection", state="facing_front", measure=FIGURE),
            "The room turned: a smaller share of people faced the front by 0.12 (−0.06 to +0.30), "
            "5 people, readable 84 %",
        ),
        (
            room_event("response", state="prices", figure="valence", measure=ROSE),
            "After “prices”, against the 5 s before: no clear change; how pleased the faces "
            "looked, +0.24 (−0.68 to +1.16), 3 people, readable 100 %",
        ),
        (
            room_event("response", state="prices", figure="valence", measure=FELL),
            "After “prices”: the faces looked less pleased by 0.12 (+0.06 to +0.30) than in the "
            "5 s before, 5 people",
        ),
        (
            room_event("peak", state="expressiveness", measure=ROSE),
            "The room was at its height: the faces were more expressive by 0.24 (−0.68 to +1.16) "
            "than in the 20 s before, 3 people",
        ),
        (
            room_event("response", state="prices"),
            "After “prices”: too little was seen to say",
        ),
        (room_event("marker", state="prices {who}"), "Marked: prices {who}"),
        (
            event("deviation", state="movement", figure="movement", measure=Measure(value=10.3)),
            "P3 looked unlike their own last minute for 4.2 s: how much they moved, +10.30 robust "
            "deviations",
        ),
    ],
)
def test_an_event_is_one_sentence(happened: Event, told: str) -> None:
    assert event_sentence(vocabulary(False), happened, {9: "Anna"}).startswith(told)


@pytest.mark.parametrize(
    "happened",
    [
        event("state_ended", state="anger"),
        event("state_ended", state="uncertain"),
        event("look_ended", state="displeased"),
        room_event("inflection", state="valence", measure=FIGURE),
        room_event("response", state="prices", figure="valence", measure=FIGURE),
        event("deviation", state="anger"),
    ],
)
def test_an_emotion_cannot_be_said_without_a_word_for_it(happened: Event) -> None:
    with pytest.raises(KeyError):
        event_sentence(vocabulary(True), happened, {})


def test_a_look_that_cannot_be_told_is_not_said_to_be_the_persons_failing() -> None:
    assert look_sentence(vocabulary(False), "puzzled", "P3") == "P3 looks puzzled"
    assert look_sentence(vocabulary(False), "cant_tell", "P3") == "nothing can be told of P3"


def test_where_faces_are_not_read_on_purpose_nobody_is_hard_to_read() -> None:
    silent = vocabulary(True)
    assert look_sentence(silent, "cant_tell", "P3") == "nothing is told of P3"
    ended = event("look_ended", state="cant_tell")
    assert event_sentence(silent, ended, {}) == "P3 was not seen turned away for 4.2 s"
    assert not [key for _, key, text in silent.templates() if "hard to read" in text]
    with pytest.raises(KeyError):
        look_sentence(silent, "amused", "P3")


def test_times_shares_and_figures_are_spelled_as_people_read_them() -> None:
    assert [seconds(x) for x in (-1.0, 0.04, 9.94, 9.96, 59.4, 60, 125, 3780)] == [
        *("0.0 s", "0.0 s", "9.9 s", "10 s", "59 s", "1 min", "2 min 5 s", "1 h 3 min")
    ]
    assert percent(0.824) == "82 %"
    assert [signed(x) for x in (0.42, -0.05, -0.001, None)] == ["+0.42", "−0.05", "0.00", "?"]


class Visible(html.parser.HTMLParser):
    """What a page shows of its own: text, and attributes that are read out or shown."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        shown = ("aria-label", "title", "alt", "placeholder", "content")
        self.texts += [value or "" for name, value in attrs if name in shown]


def visible_texts(path: Path) -> list[str]:
    """The texts of a static file that may be shown: of scripts and styles every string."""
    text = path.read_text("utf-8")
    if path.suffix in (".html", ".svg"):
        page = Visible()
        page.feed(text)
        return page.texts
    code = re.sub(r"/\*.*?\*/|(?<!:)//[^\n]*", "", text, flags=re.DOTALL)
    return ["".join(found) for found in re.findall(r'"([^"\n]*)"|\'([^\'\n]*)\'|`([^`]*)`', code)]


def test_the_pages_own_files_say_nothing_of_the_kind_either() -> None:
    # The chart library says nothing by itself.
    files = [path for path in sorted(STATIC.iterdir()) if not path.name.startswith("uPlot")]
    seen = {path.name: visible_texts(path) for path in files}
    assert any("Read the Room" in text for text in seen["index.html"])
    assert "server_away" in seen["head.js"]
    for name, texts in seen.items():
        for text in texts:
            assert not BANNED.search(text), (name, text)
            # Words for emotions come from the vocabulary, so that they can be left out as a whole.
            assert not EMOTIONAL.search(text), (name, text)


def test_the_question_for_the_purpose_names_every_purpose_and_the_law() -> None:
    assert tuple(PURPOSE_WORDS.choices) == PURPOSES
    assert "2024/1689" in PURPOSE_WORDS.article
    assert "Art. 5(1)(f)" in PURPOSE_WORDS.article
    assert not BANNED.search(" ".join(PURPOSE_WORDS.choices.values()))


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(-0.39, 0.39, "no clear change"), (None, None, "no clear change"), (0.1, 0.5, "more pleased")],
)
def test_an_answer_whose_interval_holds_zero_has_no_direction(
    low: float | None, high: float | None, said: str
) -> None:
    measure = Measure(value=0.3, low=low, high=high, n=3, coverage=0.9)
    answer = Event(
        room="room",
        session="s",
        kind="response",
        start_s=1.0,
        end_s=6.0,
        state="prices",
        figure="valence",
        measure=measure,
    )
    assert said in event_sentence(vocabulary(False), answer, {})


def test_nothing_is_said_to_be_a_hundred_per_cent_sure() -> None:
    said = [sure(p) for p in (0.5, 0.994, 0.999, 1.0)]
    assert said == ["50 %", "99 %", "over 99 %", "over 99 %"]
