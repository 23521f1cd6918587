"""Messages on the wire: what goes in comes out, and nothing but BadMessage on rubbish."""

from __future__ import annotations

import contextlib
import types
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from readroom.messages import (
    ENGINES,
    EXPRESSIONS,
    LOOKS,
    MAJOR,
    MEASURES,
    PLAIN_DEVIATIONS,
    PLAIN_ENGINES,
    PLAIN_LOOKS,
    PLAIN_MEASURES,
    PLAIN_STATES,
    STATES,
    UNCERTAIN,
    BadMessage,
    BoxInfo,
    CameraReport,
    Event,
    Frame,
    FrameKey,
    Marker,
    Observation,
    RoomState,
    decode,
    encode,
)

VERSION = b"%d" % MAJOR
TAGGED = (Frame, Observation, CameraReport, RoomState, Event, Marker)
ANY = Frame | Observation | CameraReport | RoomState | Event | Marker
INT64 = st.integers(-(2**63), 2**63 - 1)


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a message field's type."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (types.UnionType, Union):
        return st.one_of(*(values(argument) for argument in arguments))
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return st.lists(values(arguments[0]), max_size=3).map(tuple)
        return st.tuples(*(values(argument) for argument in arguments))
    if origin is dict:
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=3)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return messages(kind)
    plain: dict[Any, st.SearchStrategy[Any]] = {
        int: INT64,
        float: st.floats(allow_nan=False),
        str: st.text(max_size=20),
        bool: st.booleans(),
        type(None): st.none(),
    }
    return plain[kind]


def messages(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Any message of a class."""
    fields = {name: values(hint) for name, hint in get_type_hints(kind).items()}
    return st.builds(kind, **{name: fields[name] for name in kind.__struct_fields__})


def a_frame(**changes: Any) -> Frame:
    given: dict[str, Any] = {
        "room": "room",
        "camera": "front",
        "epoch": 1,
        "seq": 7,
        "previous_seq": 6,
        "captured_at": 12.5,
        "width": 4,
        "height": 2,
        "mode": "live",
    }
    return Frame(**{**given, **changes})


@pytest.mark.parametrize("kind", [*TAGGED, BoxInfo])
def test_every_message_comes_back_as_it_was(kind: type[msgspec.Struct]) -> None:
    @settings(max_examples=25, deadline=None)
    @given(messages(kind))
    def comes_back(message: msgspec.Struct) -> None:
        assert decode(encode(message), VERSION, kind) == message

    comes_back()


@settings(max_examples=50, deadline=None)
@given(st.one_of(*(messages(kind) for kind in TAGGED)))
def test_a_union_tells_the_messages_apart(message: msgspec.Struct) -> None:
    found: msgspec.Struct = decode(encode(message), VERSION, ANY)

    assert type(found) is type(message)
    assert found == message


@settings(max_examples=50, deadline=None)
@given(messages(Observation))
def test_encoding_is_stable(message: Observation) -> None:
    assert encode(message) == encode(decode(encode(message), VERSION, Observation))


@pytest.mark.parametrize("kind", TAGGED)
def test_fields_of_a_newer_minor_version_are_ignored(kind: type[msgspec.Struct]) -> None:
    message = _smallest(kind)
    body = msgspec.msgpack.decode(encode(message))
    body["mood_ring"] = {"colour": ["blue", 3]}

    assert decode(msgspec.msgpack.encode(body), VERSION, kind) == message


@pytest.mark.parametrize("kind", [*TAGGED, BoxInfo])
def test_a_missing_field_is_named(kind: type[msgspec.Struct]) -> None:
    required = [field for field in msgspec.structs.fields(kind) if field.required]
    assert required
    for field in required:
        body = msgspec.msgpack.decode(encode(_smallest(kind)))
        del body[field.encode_name]

        with pytest.raises(BadMessage, match=f"`{field.encode_name}`") as caught:
            decode(msgspec.msgpack.encode(body), VERSION, kind)
        assert caught.value.reason == "undecodable"


@pytest.mark.parametrize("version", [None, b"", b"0", b"2", b"1.1", b"\xff" * 40])
def test_another_major_version_is_refused_before_the_body_is_looked_at(
    version: bytes | None,
) -> None:
    with pytest.raises(BadMessage, match="run the same readroom version everywhere") as caught:
        decode(b"not even looked at", version, Frame)

    assert caught.value.reason == "version"
    assert "\n" not in str(caught.value)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_garbage_is_a_bad_message_and_nothing_else(body: bytes) -> None:
    with pytest.raises(BadMessage) as caught:
        decode(body, VERSION, ANY)

    assert caught.value.reason == "undecodable"


@settings(max_examples=300, deadline=None)
@given(messages(Observation), st.data())
def test_a_damaged_message_decodes_or_is_a_bad_message(
    message: Observation, data: st.DataObject
) -> None:
    body = bytearray(encode(message))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(body)))

    # Any other exception than BadMessage fails the test.
    with contextlib.suppress(BadMessage):
        found: Observation = decode(bytes(body[:cut]), VERSION, Observation)
        assert isinstance(found, Observation)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\x81\xa1x" + b"\x91" * 200_000, id="arrays nested without end"),
        pytest.param(b"\x81\xa4type\xa5frame" + b"\x81" * 200_000, id="maps nested without end"),
        pytest.param(b"\x82\xa4type\xabobservation\xa6bodies\xdd\xff\xff\xff\xff", id="4 G items"),
        pytest.param(b"\x81\xa4\xff\xff\xff\xff\x01", id="a name that is no UTF-8"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_hostile_bodies_are_bad_messages(body: bytes) -> None:
    with pytest.raises(BadMessage):
        decode(body, VERSION, ANY)


def test_a_message_of_another_kind_is_refused() -> None:
    with pytest.raises(BadMessage, match="marker"):
        decode(encode(Marker(room="room", at=1.0, label="slide", id="m")), VERSION, Frame)


def test_a_key_orders_by_camera_then_by_time_of_capture() -> None:
    keys = [
        a_frame(camera=camera, epoch=epoch, seq=seq).key
        for camera, epoch, seq in (("b", 1, 1), ("a", 2, 0), ("a", 1, 10), ("a", 1, 9))
    ]

    assert sorted(keys) == [
        FrameKey("a", 1, 9),
        FrameKey("a", 1, 10),
        FrameKey("a", 2, 0),
        FrameKey("b", 1, 1),
    ]


def _smallest(kind: type[msgspec.Struct]) -> msgspec.Struct:
    """A message with the least that its required fields ask for."""
    hints = get_type_hints(kind)
    required = [field.name for field in msgspec.structs.fields(kind) if field.required]
    return kind(**{name: _least(hints[name]) for name in required})


def _least(kind: Any) -> Any:
    if get_origin(kind) is Literal:
        return get_args(kind)[0]
    if get_origin(kind) is tuple:
        return ()
    if get_origin(kind) is dict:
        return {}
    if get_origin(kind) is types.UnionType:
        return None
    return kind()


def test_what_is_plain_is_part_of_what_there_is_and_names_no_expression() -> None:
    assert set(PLAIN_STATES) == set(STATES) - set(EXPRESSIONS) - {UNCERTAIN}
    assert set(PLAIN_LOOKS) == set(LOOKS) - {"attentive", "puzzled", "displeased", "amused"}
    assert set(PLAIN_MEASURES) == set(MEASURES) - {"valence", "expressiveness", "synchrony"}
    assert set(PLAIN_ENGINES) == set(ENGINES) - {"expression"}
    assert not set(PLAIN_DEVIATIONS) & {*EXPRESSIONS, "valence", "arousal"}
