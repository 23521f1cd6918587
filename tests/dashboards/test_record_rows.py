"""The recorded table's columns and rows, and the dictionary that says what they mean."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from readroom.dashboards.record.columns import columns
from readroom.dashboards.record.dictionary import dictionary
from readroom.dashboards.record.rows import Markers, rows_of
from readroom.messages import ACTIONS, EXPRESSIONS, KEYPOINTS, LOOKS, Box, Event, Quality, Span
from tests.dashboards.scene import camera, person, room_state

PAGE = Path(__file__).resolve().parents[2] / "docs/semantics/table.md"
HEAD = "## Columns of the recorded table\n"
#: Words that may not stand anywhere where no emotion may be inferred.
EMOTION = {*EXPRESSIONS, "expression", "valence", "arousal", "emotion", *LOOKS[:4]}


def marker(at_s: float, label: str, session: str = "s1") -> Event:
    return Event(room="room", session=session, kind="marker", start_s=at_s, end_s=at_s, state=label)


def somebody() -> object:
    probabilities = (0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1)
    return replace(
        person(3, "neutral", affect=(0.25, -0.5)),
        person=41,
        quality=Quality(width_px=64.0, sharpness=120.0, brightness=99.0, yaw_deg=-12.5),
        expression=probabilities,
        look="attentive",
        box=Box(128.0, 72.0, 64.0, 36.0),
        keypoints=tuple((64.0 * n, 36.0 * n, n / 20) for n in range(17)),
        actions={"smiling": Span(since_s=1.0, confidence=0.9)},
        measured=("smiling", "nodding"),
        blinks_per_min=12.0,
    )


def test_every_column_has_its_value() -> None:
    state = room_state(8.0, [somebody()])  # type: ignore[list-item]
    (row,) = rows_of(state, Markers("s1"), without_emotion=False)
    assert list(row) != []
    assert set(row) == {column.name for column in columns(without_emotion=False)}
    assert (row["session"], row["time_s"], row["slot"], row["pseudonym"]) == ("s1", 8.0, 3, "P3")
    assert row["person"] == 41
    quality = [row[f"face_{n}"] for n in ("sharpness", "brightness", "yaw_deg", "pitch_deg")]
    assert quality == [120.0, 99.0, -12.5, None]
    assert (row["state"], row["look"], row["visible"]) == ("neutral", "attentive", True)
    assert [row[f"p_{name}"] for name in EXPRESSIONS] == [0.3, *[0.1] * 7]
    assert (row["valence"], row["arousal"], row["blinks_per_min"]) == (0.25, -0.5, 12.0)


def test_an_action_is_true_false_or_unknown() -> None:
    state = room_state(8.0, [somebody()])  # type: ignore[list-item]
    (row,) = rows_of(state, Markers("s1"), without_emotion=False)
    wanted = {f"action_{name}": None for name in ACTIONS}
    wanted |= {"action_smiling": True, "action_nodding": False}  # type: ignore[dict-item]
    assert {name: row[name] for name in wanted} == wanted


def test_places_are_shares_of_the_persons_own_cameras_frame() -> None:
    state = room_state(
        8.0,
        [somebody()],  # type: ignore[list-item]
        cameras=(camera("side", width=100, height=100), camera("front", width=1280, height=720)),
    )
    (row,) = rows_of(state, Markers("s1"), without_emotion=False)
    box = [row[f"box_{side}"] for side in ("x", "y", "width", "height")]
    assert box == pytest.approx([0.1, 0.1, 0.05, 0.05])
    for n, name in enumerate(KEYPOINTS):
        found = [row[f"{name}_{part}"] for part in ("x", "y", "score")]
        assert found == pytest.approx([n / 20, n / 20, n / 20])


@pytest.mark.parametrize("cameras", [(), (camera(width=0, height=0),)])
def test_where_the_frames_size_is_not_known_there_are_no_places(cameras: object) -> None:
    state = room_state(8.0, [somebody()], cameras=cameras)  # type: ignore[list-item]
    (row,) = rows_of(state, Markers("s1"), without_emotion=False)
    assert row["box_x"] is row["left_wrist_y"] is None
    assert row["left_wrist_score"] is not None


def test_what_was_not_seen_is_null() -> None:
    seen = replace(person(1, "not_visible"), keypoints=None)
    (row,) = rows_of(room_state(8.0, [seen]), Markers("s1"), without_emotion=False)
    nothing = ["p_anger", "valence", "arousal", "nose_x", "nose_score", "blinks_per_min"]
    nothing += ["face_sharpness", "face_roll_deg"]
    assert {row[name] for name in nothing} == {None}
    assert row["visible"] is False


def test_a_row_has_the_last_marker_and_the_seconds_since() -> None:
    markers = Markers("s1")
    # Not in the order of their times; one of another session; one told twice.
    for event in (marker(10, "pricing"), marker(5, "hello"), marker(7, "other", "s2")):
        markers.add(event)
    markers.add(marker(10, "pricing"))
    markers.add(replace(marker(6, "no marker"), kind="peak"))
    assert markers.at(4.9) == (None, None)
    assert markers.at(5.0) == ("hello", 0.0)
    assert markers.at(9.5) == ("hello", 4.5)
    assert markers.at(12.5) == ("pricing", 2.5)


def test_of_two_markers_at_one_instant_the_later_told_counts() -> None:
    markers = Markers("s1")
    for label in ("first", "second"):
        markers.add(marker(5, label))
    assert markers.at(6.0) == ("second", 1.0)


def test_nobody_in_the_room_is_no_row() -> None:
    assert rows_of(room_state(8.0), Markers("s1"), without_emotion=False) == []


def test_where_no_emotion_may_be_inferred_no_column_has_or_names_one() -> None:
    state = room_state(8.0, [somebody()])  # type: ignore[list-item]
    (row,) = rows_of(state, Markers("s1"), without_emotion=True)
    left = columns(without_emotion=True)
    assert set(row) == {column.name for column in left}
    said = " ".join(f"{c.name} {c.range} {c.meaning}" for c in left).replace("_", " ")
    assert not EMOTION & set(re.findall(r"[a-z]+", said))
    assert {"action_smiling", "visible", "nose_x", "marker"} <= set(row)
    assert not {"state", "look", "confidence"} & set(row)


# -- the data dictionary --------------------------------------------------------------------------


def columns_section() -> str:
    """The page's section about the recorded table's columns."""
    return PAGE.read_text("utf-8").partition(HEAD)[2].partition("\n## ")[0]


def test_the_data_dictionary_is_what_the_code_says() -> None:
    assert columns_section().strip() == dictionary().strip(), "run `python -m docs.table_page`"


def test_every_column_is_explained() -> None:
    found = columns(without_emotion=False)
    assert len({column.name for column in found}) == len(found) > 90
    for column in found:
        assert column.meaning, column.name
        assert "|" not in f"{column.unit}{column.range}{column.meaning}"
        if column.kind.startswith("float"):
            assert column.range, column.name
