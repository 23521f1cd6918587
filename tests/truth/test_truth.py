"""Labels that are labels, timelines that come back as written, scores that are fair."""

from __future__ import annotations

import lzma
import math
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from readroom.aggregator import expression_state as expressions, looks
from readroom.aggregator.actions.catalogue import RULES
from readroom.errors import BadSettings
from readroom.ingest.demo.script import DEFAULT, LOOP_S
from readroom.messages import ACTIONS, EXPRESSIONS, NOT_VISIBLE, Body, Box, Face, Quality
from readroom.models.files import PACKAGED
from readroom.models.pins import pinned
from tests.aggregator.made import START, observation, room
from tests.truth import acting, looking, report, turns
from tests.truth.choose import best, grid, leave_one_out, people_of, scored
from tests.truth.filters import CURRENT, METHODS, said
from tests.truth.format import (
    LABELS,
    TIMELINES,
    VERSION,
    Header,
    Label,
    Moment,
    PersonTruth,
    Timeline,
    path_of,
    read,
    read_labels,
    recorded,
    rounded,
    sha256,
    write,
)
from tests.truth.people import MIN_FACE_PX, followed
from tests.truth.record import MOST_BYTES, record_clip, scripted_person
from tests.truth.scoring import score, segments_of

HEADER = Header(
    version=VERSION,
    kind="rendered",
    name="made",
    source_sha256="",
    truth_sha256="",
    width=640,
    height=360,
    fps=10.0,
    lasts_s=4.0,
    networks={},
    people=(),
)

#: Pixels, and what lies between 0 and 1.
px, ratio = st.floats(-50, 4000), st.floats(0, 1)
points = st.tuples(px, px)
faces = st.builds(
    Face,
    box=st.builds(Box, px, px, px, px),
    score=ratio,
    quality=st.builds(
        Quality,
        width_px=st.floats(0, 4000),
        sharpness=st.floats(0, 1e5),
        brightness=st.none() | st.floats(0, 255),
        yaw_deg=st.none() | st.floats(-90, 90),
        pitch_deg=st.none() | st.floats(-90, 90),
        roll_deg=st.none() | st.floats(-90, 90),
    ),
    landmarks=st.none() | st.tuples(points, points, points, points, points),
    expression=st.none() | st.tuples(*[ratio] * 8),
    blendshapes=st.none() | st.lists(ratio, min_size=52, max_size=52).map(tuple),
    embedding=st.none() | st.just((0.6, 0.8)),
)
bodies = st.builds(
    Body,
    box=st.builds(Box, px, px, px, px),
    score=ratio,
    keypoints=st.lists(st.tuples(px, px, ratio), min_size=17, max_size=17).map(tuple),
    face=st.none() | st.integers(0, 3),
)
moments = st.builds(
    Moment,
    time_s=st.floats(0, 100),
    faces=st.lists(faces, max_size=2).map(tuple),
    bodies=st.lists(bodies, max_size=2).map(tuple),
)


def label(start_s: float, end_s: float, name: str, doubt: float = 0.0) -> Label:
    return Label(start_s=start_s, end_s=end_s, name=name, doubt=doubt)


def every_tenth(*parts: tuple[float, str]) -> tuple[list[float], list[str]]:
    """States at ten frames a second: (until when, state), one after the other."""
    times: list[float] = []
    states: list[str] = []
    for until_s, state in parts:
        while len(times) / 10 < until_s:
            times.append(len(times) / 10)
            states.append(state)
    return times, states


# Labels and timelines


@pytest.mark.parametrize("path", sorted(LABELS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_file_of_labels_is_one_and_says_who_labelled(path: Path) -> None:
    truth = read_labels(path)
    assert truth.people
    assert path.stem == Path(truth.clip).stem
    assert "# By one viewer" in path.read_text("utf-8")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (('is = "neutral"', 'is = "bored"'), "bored"),
        (('is = "smiling"', 'is = "grinning"'), "grinning"),
        (("from = 0.65, to = 2.3, is", "from = 0.65, to = 0.6, is"), "no span"),
        (("from = 0.0, to = 0.55", "from = 0.0, to = 0.9"), "begins before"),
        (("doubt = 0.1,", "doubt = 1.1,"), "doubt"),
        (("version = 1", "verse = 1"), "no labels"),
    ],
)
def test_labels_with_a_flaw_are_refused_by_name(
    change: tuple[str, str], word: str, tmp_path: Path
) -> None:
    good = (LABELS / "neutral_to_smile_1_person.toml").read_text("utf-8")
    bad = tmp_path / "bad.toml"
    bad.write_text(good.replace(*change), "utf-8")
    assert bad.read_text("utf-8") != good
    with pytest.raises(BadSettings, match=word):
        read_labels(bad)


@settings(max_examples=15)
@given(st.lists(moments, max_size=2).map(tuple))
def test_a_timeline_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, seen: tuple[Moment, ...]
) -> None:
    path = tmp_path_factory.mktemp("timelines") / "made.jsonl.xz"
    timeline = Timeline(header=HEADER, moments=seen)
    write(timeline, path)
    back = read(path)
    assert back == Timeline(header=HEADER, moments=tuple(map(rounded, seen)))
    before = path.read_bytes()
    write(back, path)
    assert path.read_bytes() == before


def test_what_somebody_can_be_recognised_by_is_never_written() -> None:
    moment = Moment(
        time_s=0.0,
        faces=(
            Face(
                box=Box(0, 0, 9, 9),
                score=1.0,
                quality=Quality(width_px=9, sharpness=9),
                embedding=(1.0, 0.0),
            ),
        ),
    )
    assert rounded(moment).faces[0].embedding is None


def test_another_version_and_what_is_no_timeline_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "made.jsonl.xz"
    write(Timeline(header=msgspec.structs.replace(HEADER, version=VERSION + 1), moments=()), path)
    with pytest.raises(BadSettings, match="version 2"):
        read(path)
    for body in (b"", b"not xz", lzma.compress(b""), lzma.compress(b"[1]\n")):
        path.write_bytes(body)
        with pytest.raises(BadSettings, match="record it again"):
            read(path)


@pytest.mark.parametrize("path", sorted(TIMELINES.glob("*")), ids=lambda path: path.name)
def test_recorded_timelines_are_small_and_hold_no_embedding(path: Path) -> None:
    assert path.stat().st_size <= MOST_BYTES
    timeline = read(path)
    assert timeline.moments
    assert all(face.embedding is None for one in timeline.moments for face in one.faces)


@pytest.mark.parametrize("path", sorted(TIMELINES.glob("*")), ids=lambda path: path.name)
def test_recorded_timelines_are_of_these_labels_and_the_packaged_networks(path: Path) -> None:
    header = read(path).header
    if header.kind == "clip":
        labels = LABELS / f"{header.name}.toml"
        assert header.truth_sha256 == sha256(labels), "run python -m tests.truth.record"
        assert header.people == read_labels(labels).people
    packaged = set(pinned(PACKAGED).values())
    own = [one for one in header.networks.values() if one.model.startswith("readroom_")]
    for network in own:
        assert network.sha256 in packaged, "run python -m tests.truth.record, then …report"


def test_recording_a_clip_again_gives_the_same_timeline(shared_videos: Path) -> None:
    from tests.truth.record import assembled_from

    name = "neutral_to_smile_1_person"
    labels = LABELS / f"{name}.toml"
    again = record_clip(labels, shared_videos, assembled_from(None))
    there = read(path_of(name))
    assert again is not None
    for one, other in zip(map(rounded, again.moments), there.moments, strict=True):
        assert one.time_s == other.time_s
        assert [face.box for face in one.faces] == [face.box for face in other.faces]


def test_a_clip_that_is_not_there_is_left_as_it_is(tmp_path: Path) -> None:
    assert record_clip(next(LABELS.glob("*.toml")), tmp_path, None) is None  # type: ignore[arg-type]


def test_the_script_of_the_demo_room_says_when_nobody_is_there() -> None:
    eileen = scripted_person(DEFAULT, DEFAULT.view("right").seats[0], LOOP_S)
    gone = [one for one in eileen.expressions if one.name == NOT_VISIBLE]
    assert len(gone) == 1
    assert gone[0].start_s == pytest.approx(16.6, abs=0.1)
    assert gone[0].end_s == pytest.approx(18.5, abs=0.1)
    seen = {one.name for one in eileen.actions}
    assert seen == {"brow_raised", "eyes_closed", "facing_front", "mouth_open", "smiling"}


# Scores


def test_a_read_out_that_says_what_the_labels_say_has_no_fault() -> None:
    labels = [label(0.0, 2.0, "neutral"), label(2.5, 5.0, "happiness")]
    times, states = every_tenth((2.5, "neutral"), (5.0, "happiness"))
    judged = score(times, states, labels)
    assert (judged.extra, judged.missed, judged.false) == (0, 0, 0)
    assert judged.agreement == 1.0
    assert (judged.first_s, judged.delays_s) == ([0.0], [0.0])


def test_a_late_change_has_a_delay_and_an_early_one_less_than_none() -> None:
    labels = [label(0.0, 2.0, "neutral"), label(2.5, 5.0, "happiness")]
    late = score(*every_tenth((3.2, "neutral"), (5.0, "happiness")), labels)
    assert late.delays_s == [pytest.approx(0.7)]
    early = score(*every_tenth((2.2, "neutral"), (5.0, "happiness")), labels)
    assert early.delays_s == [pytest.approx(-0.3)]
    assert early.cost == 0.0


def test_flips_missed_and_false_events_are_told_apart() -> None:
    labels = [label(0.0, 4.0, "neutral"), label(4.0, 8.0, "sadness")]
    flipping = score(
        *every_tenth((1, "neutral"), (2, "uncertain"), (4, "neutral"), (8, "sadness")), labels
    )
    assert (flipping.extra, flipping.missed, flipping.false) == (2, 0, 0)
    assert flipping.flips_per_min == pytest.approx(2 / 8 * 60)
    wrong = score(*every_tenth((4, "neutral"), (8, "anger")), labels)
    assert (wrong.extra, wrong.missed, wrong.false) == (0, 1, 1)
    assert wrong.agreement == pytest.approx(0.5)


def test_what_the_viewer_doubted_is_not_held_against_anybody() -> None:
    labels = [label(0.0, 2.0, "neutral"), label(2.0, 6.0, "fear", 0.8), label(6, 8, "neutral")]
    judged = score(*every_tenth((3, "neutral"), (5, "anger"), (8, "neutral")), labels)
    assert (judged.extra, judged.missed, judged.false) == (0, 0, 0)
    assert judged.scored_s == pytest.approx(4.0)
    assert [one.parts for one in segments_of(labels)] == [((0.0, 2.0), (6, 8))]


def test_an_expression_said_of_a_face_too_small_is_false() -> None:
    labels = [label(0.0, 3.0, "too_small")]
    judged = score(*every_tenth((1, "too_small"), (3, "neutral")), labels)
    assert judged.false == 1


def test_actions_are_judged_where_they_can_be_told() -> None:
    times = [tick / 10 for tick in range(40)]
    labels = [None] * 5 + [False] * 10 + [True] * 15 + [False] * 10
    exact = acting.score(times, labels, labels)
    assert (exact.missed, exact.false, exact.extra, exact.agreement) == (0, 0, 0, 1.0)
    silent = acting.score(times, [None] * 40, labels)
    assert (silent.events, silent.untold, silent.missed, silent.scored_s) == (1, 1, 0, 0.0)
    never = acting.score(times, [False] * 40, labels)
    assert (never.missed, never.false) == (1, 0)
    wrong = acting.score(times, [False] * 5 + [True] * 5 + [False] * 30, labels)
    assert (wrong.missed, wrong.false) == (1, 1)
    late = acting.score(times, [False] * 19 + [True] * 11 + [False] * 10, labels)
    assert late.delays_s == [pytest.approx(0.4)]


def test_an_action_that_never_ends_is_false_though_it_began_rightly() -> None:
    times = [tick / 10 for tick in range(100)]
    labels = [False] * 10 + [True] * 20 + [False] * 70
    short = acting.score(times, [False] * 10 + [True] * 40 + [False] * 50, labels)
    assert (short.missed, short.false) == (0, 0)
    endless = acting.score(times, [False] * 10 + [True] * 90, labels)
    assert (endless.missed, endless.false) == (0, 1)


def test_an_action_said_too_late_costs_as_much_as_one_missed() -> None:
    late, missed = acting.ActionScore(delays_s=[9.0]), acting.ActionScore(missed=1)
    assert late.cost == missed.cost == 1.0
    assert acting.ActionScore(delays_s=[1.5]).cost == pytest.approx(0.5)


def test_blinks_that_are_labelled_are_counted_where_the_mesh_sees_lids_close() -> None:
    (person,) = followed(read(path_of("neutral_to_smile_1_person")))
    assert acting.blinks(person) == (1, 1)
    (person,) = followed(read(path_of("upset_to_laughing_1_person")))
    labelled, counted = acting.blinks(person)
    assert 0 < counted <= labelled


# Choices


@pytest.mark.parametrize("method", METHODS)
def test_reading_with_other_constants_leaves_the_aggregators_own_alone(method: str) -> None:
    before = {name: getattr(expressions, name) for name in dir(expressions)}
    timeline = read(path_of("neutral_to_smile_1_person"))
    setting = grid(method)[-1]  # type: ignore[arg-type]
    for one in followed(timeline):
        assert set(said(one.times, one.readings, setting)) - {"uncertain"} <= set(EXPRESSIONS)
    assert {name: getattr(expressions, name) for name in dir(expressions)} == before


def test_the_constants_as_they_are_are_among_those_tried() -> None:
    assert CURRENT in grid("mean")
    assert all(one.leave < one.enter for method in METHODS for one in grid(method))
    for action in ACTIONS:
        assert acting.grid(action)[0] == acting.by_reason(action)
        assert RULES[action] in acting.grid(action)


def test_the_clip_left_out_has_no_say_in_the_choice() -> None:
    one, other = grid("mean")[:2]
    costs_of = {one: {"a": 0.0, "b": 1.0, "c": 0.0}, other: {"a": 1.0, "b": 0.0, "c": 0.0}}
    assert best(costs_of, ["a", "c"])[0] == one
    assert best(costs_of, ["b", "c"])[0] == other
    chosen = leave_one_out({"a": [], "b": [], "c": []}, costs_of, ["a", "b"])
    assert [made.setting for made in chosen] == [other, one]


def test_the_clips_are_read_without_a_missed_or_a_false_expression() -> None:
    clips = people_of({n: t for n, t in recorded().items() if t.header.kind == "clip"})
    assert len(clips) == 5
    for name, people in clips.items():
        judged = scored(people, CURRENT)
        assert (judged.missed, judged.false) == (0, 0), name
        assert judged.extra <= 1, name
        assert all(delay <= 1.0 for delay in (*judged.first_s, *judged.delays_s)), name


@pytest.mark.parametrize("name", ["upset_to_laughing_1_person", "neutral_to_smile_1_person"])
def test_a_room_says_what_is_judged_here(name: str) -> None:
    """After the moment in which a person is told from a false detection."""
    timeline = read(path_of(name))
    header = timeline.header
    (person,) = followed(timeline)
    states = said(person.times, person.readings, CURRENT)
    told = acting.said(person)
    there = room(min_face_px=int(MIN_FACE_PX))
    for seq, one in enumerate(timeline.moments):
        seen = observation(
            seq,
            mode="recording",
            media_time_s=one.time_s,
            width=header.width,
            height=header.height,
            faces=one.faces,
            bodies=one.bodies,
            engines=("face", "expression", "pose", "mesh"),
        )
        there.take(seen, one.time_s)
        if one.time_s >= 1.0:
            (now,) = there.state(one.time_s, START + one.time_s).people
            assert now.state == states[seq]
            assert set(now.actions) == {action for action in ACTIONS if told[action][seq]}


def test_the_page_is_of_these_timelines_and_constants() -> None:
    """Else: ``python -m tests.truth.report``."""
    timelines = recorded()
    clips = people_of(timelines)
    kinds = {name: timeline.header.kind for name, timeline in timelines.items()}
    page = report.PAGE.read_text("utf-8")
    assert report.networks(timelines) in page
    assert report.as_they_are(clips, kinds) in page
    assert all(row in page for row in report.action_rows(clips, kinds))
    shown = {name: [looking.shown(one) for one in people] for name, people in clips.items()}
    scores = {name: looking.scored(people) for name, people in shown.items()}
    assert all(row in page for row in report.looks_rows(scores, kinds))


def test_labels_sum_up_to_a_look_only_where_all_that_it_rests_on_is_sure() -> None:
    times = [tick / 10 for tick in range(60)]
    person = PersonTruth(
        name="somebody",
        x=(0.0, 1.0),
        present=(0.0, 6.0),
        expressions=(label(0.0, 3.0, "neutral"), label(3.0, 6.0, "sadness")),
        actions=(
            label(0.0, 6.0, "facing_front"),
            label(1.0, 2.0, "brow_lowered", 0.9),
            label(4.0, 6.0, "smiling"),
        ),
    )
    found = list(looking.labelled(person, times, [True] * 60))
    assert [(one.name, one.start_s) for one in found] == [
        ("attentive", 0.0),
        ("attentive", 2.0),
        ("displeased", 3.0),
        ("cant_tell", 4.0),
    ]


def test_choosing_a_look_s_time_leaves_the_aggregators_own_alone() -> None:
    before = {name: getattr(looks, name) for name in looking.ALONE}
    (person,) = followed(read(path_of("neutral_to_smile_1_person")))
    people = {"a": [looking.shown(person)], "b": [looking.shown(person)]}
    (chosen,) = looking.leave_one_out(people, "MIN_DWELL_S", ["a"])
    assert chosen.value in looking.ALONE["MIN_DWELL_S"]
    assert {name: getattr(looks, name) for name in looking.ALONE} == before
    assert all(value in looking.ALONE[name] for name, value in before.items())


def test_people_who_move_on_cue_do_one_thing_at_a_time() -> None:
    for sitter in turns.SITTERS:
        moves = sorted(sitter.moves, key=lambda move: move.start_s)
        ends_s = [move.end_s for move in moves]
        assert all(end_s < later.start_s for end_s, later in zip(ends_s, moves[1:], strict=False))
        quiet, nod = (
            turns.pose(sitter, move.start_s + 0.17)
            for name in ("still", "nodding")
            for move in moves
            if move.action == name
        )
        assert abs(quiet.pitch_rad) < math.radians(2.0) < abs(nod.pitch_rad)
        truth = turns.truth(sitter)
        assert {move.action for move in moves} <= {one.name for one in truth.actions}
        assert not {one.name for one in truth.actions} & set(truth.unjudged)


def test_all_actions_of_a_clip_are_answered_at_every_moment() -> None:
    for person in followed(read(path_of("head_turns_2_people"))):
        told = acting.said(person)
        assert set(told) == set(ACTIONS)
        assert {len(values) for values in told.values()} == {len(person.times)}
