"""How somebody looks all in all: rules that can be read, and looks that hold."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

import pytest
from hypothesis import given, strategies as st

from readroom.aggregator import looks
from readroom.aggregator.looks import CANT_TELL, TURNED_AWAY, Look, LookEnded
from readroom.messages import ACTIONS, LOOKS, NOT_READ, NOT_VISIBLE, STATES, TOO_SMALL, Span

EVERYTHING = frozenset(ACTIONS)
STEP_S = 0.1
#: (state, confidence, actions, measured, seconds since the last) of each moment.
Script = Sequence[tuple[str, float, Mapping[str, Span], frozenset[str], float]]


def played(
    seconds: Iterable[tuple[float, str, tuple[str, ...]]],
    *,
    measured: frozenset[str] = EVERYTHING,
    allowed: tuple[str, ...] = LOOKS,
    step_s: float = STEP_S,
    confidence: float = 0.8,
) -> tuple[Look, list[LookEnded]]:
    """A person after (how long, state, actions going on), one after the other, and what ended."""
    person, ended, spans = looks.begin(0.0), [], dict[str, Span]()
    tick = 0
    for lasts_s, state, names in seconds:
        spans = {
            name: spans.get(name, Span(since_s=tick * step_s, confidence=0.9)) for name in names
        }
        for _ in range(round(lasts_s / step_s)):
            over = looks.step(
                person, state, confidence, spans, measured, tick * step_s, allowed=allowed
            )
            ended += [over] if over else []
            tick += 1
    return person, ended


@pytest.mark.parametrize(
    ("state", "actions", "look"),
    [
        ("neutral", ("facing_front",), "attentive"),
        ("surprise", ("facing_front", "brow_raised"), "attentive"),
        ("neutral", (), CANT_TELL),
        ("neutral", ("facing_front", "head_down"), CANT_TELL),
        ("neutral", ("facing_front", "eyes_closed"), CANT_TELL),
        ("uncertain", ("facing_front",), CANT_TELL),
        ("fear", ("facing_front",), CANT_TELL),
        ("contempt", ("facing_front",), CANT_TELL),
        ("anger", ("facing_front",), "displeased"),
        ("disgust", (), "displeased"),
        ("sadness", ("eyes_closed", "hand_at_face", "brow_lowered"), "displeased"),
        ("sadness", ("smiling",), CANT_TELL),
        ("happiness", (), "amused"),
        ("happiness", ("facing_front", "brow_lowered"), "amused"),
        ("neutral", ("smiling", "facing_front"), "amused"),
        ("uncertain", ("smiling",), "amused"),
        ("neutral", ("brow_lowered", "facing_front"), "puzzled"),
        ("uncertain", ("brow_lowered",), "puzzled"),
        ("neutral", ("brow_lowered", "eyes_closed"), CANT_TELL),
        ("anger", ("brow_lowered",), "displeased"),
        ("sadness", ("facing_away",), TURNED_AWAY),
        ("happiness", ("facing_away", "smiling"), TURNED_AWAY),
        (NOT_VISIBLE, ("facing_away",), TURNED_AWAY),
        (NOT_VISIBLE, (), CANT_TELL),
        (TOO_SMALL, ("facing_front", "smiling", "brow_lowered"), CANT_TELL),
        (NOT_READ, ("facing_front", "smiling", "brow_lowered"), CANT_TELL),
    ],
)
def test_what_lasts_gives_the_look_of_the_table(
    state: str, actions: tuple[str, ...], look: str
) -> None:
    person, _ = played([(4.0, state, actions)])
    assert person.look == look


def test_the_worked_example_of_the_documentation() -> None:
    person, ended = played(
        [
            (2.0, "neutral", ("facing_front",)),
            (3.0, "neutral", ("facing_front", "brow_lowered")),
            (1.1, "uncertain", ("facing_away",)),
            (2.0, "happiness", ("facing_front", "smiling")),
        ],
        confidence=0.7,
    )
    assert [one.look for one in ended] == [CANT_TELL, "attentive", "puzzled"]
    assert [one.end_s for one in ended] == [
        pytest.approx(end_s, abs=STEP_S + 1e-6) for end_s in (0.3, 3.1, 6.4)
    ]
    assert person.look == "amused"
    assert ended[1].confidence == pytest.approx(0.7)
    assert ended[2].confidence == pytest.approx(0.9)


def test_a_glance_at_a_neighbour_ends_nothing() -> None:
    front = (3.0, "neutral", ("facing_front",))
    person, ended = played([front, (looks.AWAY_S - 0.2, "uncertain", ("facing_away",)), front])
    assert person.look == "attentive"
    assert [one.look for one in ended] == [CANT_TELL]


def test_looking_away_for_longer_is_turned_away_and_coming_back_is_seen() -> None:
    front = (3.0, "neutral", ("facing_front",))
    person, ended = played([front, (4.0, "not_visible", ("facing_away",)), front])
    assert [one.look for one in ended] == [CANT_TELL, "attentive", TURNED_AWAY]
    assert ended[1].end_s == pytest.approx(3.0 + looks.AWAY_S)
    assert person.look == "attentive"


def test_a_short_gap_in_the_evidence_is_bridged_and_a_long_one_is_not() -> None:
    happy = (2.0, "happiness", ())
    person, ended = played([happy, (looks.DOUBT_S - 0.2, "uncertain", ()), happy])
    assert (person.look, [one.look for one in ended]) == ("amused", [CANT_TELL])
    person, ended = played([happy, (looks.DOUBT_S + 0.3, "uncertain", ())])
    assert (person.look, [one.look for one in ended]) == (CANT_TELL, [CANT_TELL, "amused"])


def test_evidence_that_wavers_between_others_ends_a_look_that_nothing_speaks_for() -> None:
    wavering = [(0.2, "anger", ()), (0.2, "neutral", ("facing_front",))] * 10
    person, ended = played([(2.0, "happiness", ()), *wavering])
    assert person.look == CANT_TELL
    assert [one.look for one in ended] == [CANT_TELL, "amused"]


def test_what_cannot_be_told_speaks_neither_for_a_look_nor_against_it() -> None:
    no_mesh = frozenset({"facing_front", "facing_away", "head_down"})
    actions = ("facing_front", "eyes_closed", "brow_lowered", "smiling")
    person, _ = played([(4.0, "neutral", actions)], measured=no_mesh)
    assert person.look == "attentive"


def test_a_smile_that_no_expression_confirms_needs_to_last() -> None:
    person, _ = played([(0.9, "neutral", ("smiling",))])
    assert person.look == CANT_TELL
    person, _ = played([(0.9, "happiness", ("smiling",))])
    assert person.look == "amused"


def test_without_emotion_only_where_a_head_points_may_be_said() -> None:
    assert set(looks.looks_for(without_emotion=True)) == {TURNED_AWAY, CANT_TELL}
    assert looks.looks_for(without_emotion=False) == LOOKS


def test_a_look_that_is_forbidden_from_now_on_is_over_at_once() -> None:
    person, _ = played([(3.0, "happiness", ())])
    over = looks.step(person, "happiness", 0.9, {}, EVERYTHING, 3.0, allowed=looks.looks_for(True))
    assert over is not None
    assert (over.look, person.look) == ("amused", CANT_TELL)


def test_the_mean_confidence_is_over_the_looks_whole_time() -> None:
    person = looks.begin(0.0)
    for tick in range(60):
        sure = 0.4 if tick < 30 else 0.8
        looks.step(person, "anger", sure, {}, EVERYTHING, tick * STEP_S)
    # 0.3 s until it is said; then 2.7 s of .4 and 2.9 s of .8, each holding for the next step.
    over = looks.finish(person, 5.9)
    assert over.confidence == pytest.approx((2.7 * 0.4 + 2.9 * 0.8) / 5.6, abs=0.01)


spans = st.dictionaries(
    st.sampled_from(ACTIONS),
    st.builds(Span, since_s=st.floats(-5, 30), confidence=st.floats(0, 1)),
    max_size=8,
)
moments = st.lists(
    st.tuples(
        st.sampled_from(STATES),
        st.floats(0, 1) | st.just(float("nan")),
        spans,
        st.frozensets(st.sampled_from(ACTIONS)) | st.just(EVERYTHING),
        st.floats(-0.5, 1.5),
    ),
    max_size=80,
)


def run(
    script: Script,
    allowed: tuple[str, ...] = LOOKS,
) -> tuple[list[LookEnded], list[str], float]:
    person, at_s = looks.begin(0.0), 0.0
    ended: list[LookEnded] = []
    said: list[str] = []
    for state, sure, actions, measured, dt_s in script:
        over = looks.step(person, state, sure, actions, measured, at_s + dt_s, allowed=allowed)
        at_s = max(at_s, at_s + dt_s)
        ended += [over] if over else []
        said.append(person.look)
    return [*ended, looks.finish(person, at_s)], said, at_s


@given(moments)
def test_looks_cover_the_time_without_gap_or_overlap(script: Script) -> None:
    ended, _, at_s = run(script)
    assert ended[0].start_s == 0.0
    assert ended[-1].end_s == pytest.approx(at_s)
    for one, other in itertools.pairwise(ended):
        assert one.end_s == other.start_s
        assert one.look != other.look
    assert all(one.look in LOOKS and 0 <= one.confidence <= 1 for one in ended)


@given(moments)
def test_no_look_is_shorter_than_its_dwell(script: Script) -> None:
    ended, _, _ = run(script)
    for one in ended[:-1]:
        if one.look != CANT_TELL:
            assert one.end_s - one.start_s >= looks.MIN_DWELL_S - 1e-9


@given(moments)
def test_nothing_but_where_a_head_points_comes_out_without_emotion(script: Script) -> None:
    ended, said, _ = run(script, allowed=looks.looks_for(without_emotion=True))
    assert {one.look for one in ended} | set(said) <= {TURNED_AWAY, CANT_TELL}


@given(moments)
def test_without_emotion_expressions_and_brows_change_nothing(script: Script) -> None:
    allowed = looks.looks_for(without_emotion=True)
    blind = [
        (NOT_READ, 0.0, {n: s for n, s in going_on.items() if n == "facing_away"}, measured, dt_s)
        for _, _, going_on, measured, dt_s in script
    ]
    with_them, without_them = run(script, allowed), run(blind, allowed)
    assert with_them == without_them


@given(moments)
def test_the_same_moments_give_the_same_looks(script: Script) -> None:
    assert run(script) == run(script)
