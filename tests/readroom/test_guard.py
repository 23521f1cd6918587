"""Who may ask: Host, Origin and token."""

from __future__ import annotations

from email.message import Message
from typing import Any

import pytest

from readroom.guard import Guard, host_name
from readroom.settings import HttpSettings

TOKEN = "0123456789abcdef"


def asked(
    guard: Guard, query_token: str | None = None, *, writes: bool = False, **headers: str
) -> int:
    """The status a request with these headers gets; 200 where it passes."""
    # What http.server hands over: looked up without regard to case.
    message: Any = Message()
    for name, value in headers.items():
        message[name.lower()] = value
    refusal = guard.check(message, query_token, writes=writes)
    return 200 if refusal is None else refusal.status


def guard_of(**values: object) -> Guard:
    return Guard.of(HttpSettings.model_validate(values))


LOCAL = guard_of()
OPEN = guard_of(host="0.0.0.0", token=TOKEN, hosts="room.example Other.Example")


def test_behind_a_proxy_everybody_comes_from_loopback_and_needs_the_token() -> None:
    behind = guard_of(token=TOKEN, hosts="room.example")
    assert asked(behind, Host="room.example") == 401
    assert asked(behind, Host="room.example", Authorization=f"Bearer {TOKEN}") == 200
    with pytest.raises(ValueError, match="READROOM_HTTP__TOKEN"):
        guard_of(hosts="room.example")


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8710", "127.0.0.1", "localhost:8710", "LOCALHOST:1", "[::1]:8710", "[::1]", "::1"],
)
def test_loopback_is_reached_by_its_names(host: str) -> None:
    assert asked(LOCAL, Host=host) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8710",
        "127.0.0.1.evil.example",
        "localhost.evil.example:1",
        "",
        "[::2]:1",
        "[fe80::1]",
        "evil@127.0.0.1:1",
        "10.0.0.1",
        "127.0.0.1:1:2",
        "[",
        "]",
    ],
)
def test_a_name_that_was_pointed_at_loopback_is_refused(host: str) -> None:
    assert asked(LOCAL, Host=host) == 421


def test_a_request_without_a_host_is_refused() -> None:
    assert asked(LOCAL) == 421


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:8710", "http://localhost:8710"),
        ("LocalHost:8710", "http://localhost:8710"),
        ("127.0.0.1:8710", "https://127.0.0.1:8710"),
        ("[::1]:8710", "http://[::1]:8710"),
    ],
)
def test_a_pages_own_requests_pass(host: str, origin: str) -> None:
    assert asked(LOCAL, Host=host, Origin=origin) == 200


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://localhost:9",
        "http://localhost",
        "",
        "file://",
        "http://localhost:8710.evil.example",
        "ftp://localhost:8710",
    ],
)
def test_another_pages_requests_are_refused(origin: str) -> None:
    assert asked(LOCAL, Host="localhost:8710", Origin=origin) == 403


def test_beyond_loopback_nobody_passes_without_the_token() -> None:
    host = "room.example:8710"

    assert asked(OPEN, Host=host) == 401
    assert asked(OPEN, Host=host, Authorization=f"Bearer {TOKEN}x") == 401
    assert asked(OPEN, Host=host, Authorization=f"Basic {TOKEN}") == 401
    assert asked(OPEN, Host=host, Authorization=TOKEN) == 401
    assert asked(OPEN, Host=host, Authorization="Bearer ") == 401
    assert asked(OPEN, "wrong", Host=host) == 401
    assert asked(OPEN, Host="localhost") == 401, "it listens beyond loopback: for everybody"
    assert asked(OPEN, "t\udcffken", Host=host) == 401

    assert asked(OPEN, Host=host, Authorization=f"Bearer {TOKEN}") == 200
    assert asked(OPEN, Host=host, Authorization=f"bearer {TOKEN}") == 200
    assert asked(OPEN, TOKEN, Host=host) == 200


def test_further_names_are_taken_from_the_settings() -> None:
    assert asked(OPEN, TOKEN, Host="other.example") == 200
    assert asked(OPEN, TOKEN, Host="third.example") == 421


def test_loopback_asks_for_no_token_to_read() -> None:
    assert asked(guard_of(token=TOKEN), Host="localhost") == 200
    assert asked(guard_of(token=TOKEN), "wrong", Host="localhost") == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_whatever_changes_something_needs_the_token_wherever(host: str) -> None:
    guard = guard_of(token=TOKEN, host=host)
    bearer = f"Bearer {TOKEN}"

    assert asked(guard, Host="localhost", writes=True) == 401
    assert asked(guard, "", Host="localhost", writes=True) == 401
    assert asked(guard, "wrong", Host="localhost", writes=True) == 401
    assert asked(guard, Host="localhost", Authorization=f"{bearer}x", writes=True) == 401
    assert asked(guard, Host="localhost", Authorization=bearer, writes=True) == 200
    assert asked(guard, TOKEN, Host="localhost", writes=True) == 200
    evil = "http://evil.example"
    assert asked(guard, TOKEN, Host="localhost", Origin=evil, writes=True) == 403
    assert asked(guard, TOKEN, Host="evil.example", writes=True) == 421


@pytest.mark.parametrize("token", [None, ""])
def test_without_a_token_nobody_changes_anything(token: str | None) -> None:
    guard = guard_of(token=token)
    for given in (None, "", "None"):
        assert asked(guard, given, Host="localhost", writes=True) == 403
        assert asked(guard, Host="localhost", Authorization=f"Bearer {given}", writes=True) == 403
        assert not guard.carries_token({"Authorization": f"Bearer {given}"}, given)


def test_on_loopback_an_address_is_no_host_whoever_has_the_token() -> None:
    assert asked(guard_of(token=TOKEN), TOKEN, Host="10.0.0.7:8710") == 421


def test_a_token_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(ValueError, match="has 5 characters"):
        guard_of(token="short")


def test_a_refusal_does_not_tell_the_token() -> None:
    refusal = OPEN.check({"Host": "room.example"}, "wrong")

    assert refusal is not None
    assert TOKEN not in refusal.reason


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("a.b:80", "a.b"),
        ("A.B", "a.b"),
        ("[::1]:80", "::1"),
        ("[::1]", "::1"),
        ("::1", "::1"),
        (" a ", "a"),
        ("", ""),
    ],
)
def test_a_host_header_is_split_into_its_name(header: str, name: str) -> None:
    assert host_name(header) == name


def test_beyond_loopback_an_address_is_a_host_too_but_a_strange_name_is_not() -> None:
    guard = Guard(frozenset({"127.0.0.1"}), "a-token-of-length")
    headers = {"Authorization": "Bearer a-token-of-length"}
    assert guard.check({**headers, "Host": "10.0.0.7:8710"}) is None
    assert guard.check({**headers, "Host": "[fd00::7]:8710"}) is None
    refusal = guard.check({**headers, "Host": "rebound.example:8710"})
    assert refusal is not None
    assert refusal.status == 421
    open_guard = Guard(frozenset({"127.0.0.1"}), None)
    assert open_guard.check({"Host": "10.0.0.7:8710"}) is not None
