"""``readroom grafana annotate``: a session's markers and moments, each once, and nobody's name."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis
from pydantic import SecretStr

from readroom.aggregator.rows import SessionRows
from readroom.cli import main
from readroom.dashboards.grafana import annotate
from readroom.dashboards.grafana.annotate import follow
from readroom.dashboards.grafana.annotations import GROUPS, annotation_of
from readroom.dashboards.grafana.connection import Grafana
from readroom.errors import ReadroomError
from readroom.messages import EXPRESSIONS, WITHOUT_EMOTION, Event, Measure
from readroom.metrics import EVENT_KINDS
from readroom.sessions.file import FILE_NAME
from readroom.settings import GrafanaSettings
from readroom.streams import Keys, add
from readroom.words import vocabulary
from tests.aggregator.made import START
from tests.aggregator.stored import a_session, about, event, write
from tests.dashboards.scene import person, room_state
from tests.readroom.test_commands import aggregator

from .stub import TOKEN, Stub

KEYS = Keys("room")


def run(*words: str) -> int:
    """Run the command line; its exit code."""
    with pytest.raises(SystemExit) as ended:
        main(["grafana", "annotate", *words])
    return ended.value.code if isinstance(ended.value.code, int) else -1


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("READROOM_DATA", str(tmp_path))
    return tmp_path


def talk() -> SessionRows:
    """A session in which a lot is said."""
    rows = a_session()
    turn = Measure(value=0.3, low=0.1, high=0.5, n=3, coverage=0.8)
    rows.events += [
        event("session_started", 0.0, 0.0),
        event("marker", 2.0, 2.0, state="pricing slide"),
        event("inflection", 3.0, 5.0, figure="valence", measure=turn),
        event("peak", 6.0, 6.0, figure="facing_front", measure=turn),
        about(1, "state_ended", 1.0, 4.0, "anger", confidence=0.8),
        event("session_closed", 10.0, 10.0),
    ]
    return rows


def texts(stub: Stub, tag: str) -> list[str]:
    return [one["text"] for one in stub.annotations.values() if tag in one["tags"]]


def test_a_stored_sessions_markers_and_moments_are_written(grafana: Stub, data: Path) -> None:
    write(data, talk())

    assert run("s1") == 0

    assert texts(grafana, "marker") == ["Marked: pricing slide"]
    moments = texts(grafana, "moment")
    assert len(moments) == 5  # three answers to the marker, a turn, a peak
    assert any(
        said.startswith("The room turned: the faces looked more pleased by 0.30")
        for said in moments
    )
    assert texts(grafana, "session") == ["The session began", "The session ended"]
    marker = next(a for a in grafana.annotations.values() if "marker" in a["tags"])
    assert marker["time"] == round((START + 2.0) * 1000)
    assert "timeEnd" not in marker
    assert {"readroom", "room:room", "session:s1"} < set(marker["tags"])
    turned = next(a for a in grafana.annotations.values() if "turned" in a["text"])
    assert turned["timeEnd"] - turned["time"] == 2000


def test_nothing_of_a_single_person_is_written(grafana: Stub, data: Path) -> None:
    write(data, talk())

    run("s1")

    assert not any("P1" in one["text"] for one in grafana.annotations.values())
    assert set(GROUPS) <= set(EVENT_KINDS)


def test_writing_again_adds_nothing_but_what_is_new(
    grafana: Stub, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = talk()
    write(data, rows)
    run("s1")
    before = dict(grafana.annotations)
    rows.events.append(event("marker", 8.0, 8.0, state="the end"))
    write(data, replace(rows, events=rows.events[-1:]))
    capsys.readouterr()

    assert run("s1") == 0
    assert run("s1") == 0

    assert texts(grafana, "marker") == ["Marked: pricing slide", "Marked: the end"]
    assert len(grafana.annotations) == len(before) + 1
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"session s1: 1 annotations written, {len(before)} were there already"
    assert told[1].startswith("session s1: 0 annotations written")


def test_without_a_name_the_rooms_newest_session_is_taken(
    grafana: Stub, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(data, talk(), a_session("s2"))

    assert run() == 0

    assert capsys.readouterr().out.startswith("session s2: ")


def test_what_was_written_can_be_removed_again(grafana: Stub, data: Path) -> None:
    write(data, talk())
    run("s1")
    grafana.annotations[99] = {"id": 99, "text": "somebody's own", "tags": ["readroom"]}

    assert run("s1", "--remove") == 0

    assert list(grafana.annotations) == [99]


def test_a_name_in_a_label_becomes_the_pseudonym_and_markup_is_text(
    grafana: Stub, data: Path
) -> None:
    rows = talk()
    rows.people[1] = replace(rows.people[1], name="Anna Berg")
    rows.people[2] = replace(rows.people[2], name="Anna")
    rows.events.append(event("marker", 4.0, 4.0, state="anna berg asks <b>Anna</b>, not Annabel"))
    write(data, rows)

    run("s1")

    assert "Marked: P2 asks &lt;b&gt;P3&lt;/b&gt;, not Annabel" in texts(grafana, "marker")


@pytest.mark.parametrize(
    ("names", "label", "said"),
    [
        ({"P1": "P2", "P2": "P1"}, "P1 asks P2", "P2 asks P1"),
        ({"Zoë": "P1"}, "Zoe\u0308 and ZOË", "P1 and P1"),
        ({"Zoe\u0308": "P1"}, "Zoë", "P1"),
        ({"Simon": "P1"}, "\u017fimon, Simona", "P1, Simona"),  # ſ is an s in capitals.
        ({"A.B": "P1", "A": "P2"}, "A.B, A, ACB", "P1, P2, ACB"),
    ],
)
def test_every_name_becomes_its_own_pseudonym_however_it_is_written(
    names: dict[str, str], label: str, said: str
) -> None:
    marker = event("marker", 2.0, 2.0, state=label)

    made = annotation_of(marker, START, vocabulary(False), names)

    assert made is not None
    assert made.text == f"Marked: {said}"


@pytest.mark.parametrize("by", ["the session's purpose", "the settings"])
def test_where_no_emotion_may_be_inferred_none_is_written(
    grafana: Stub, data: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    write(data, talk())
    if by == "the settings":
        monkeypatch.setenv("READROOM_PURPOSE", "workplace")
    else:  # As no aggregator would store it.
        with closing(sqlite3.connect(data / FILE_NAME)) as file, file:
            file.execute("UPDATE session SET purpose = ?", (min(WITHOUT_EMOTION),))

    assert run("s1") == 0

    said = " ".join(one["text"] for one in grafana.annotations.values())
    assert "Marked: pricing slide" in said
    for word in (*EXPRESSIONS, "pleased", "expressive", "angry"):
        assert word not in said


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("nothing",), "session 'nothing': no such session"),
        (("--remove",), "name a session"),
        (("s1", "--follow"), "--follow the running one"),
        (("--follow", "--remove"), "--follow the running one"),
    ],
)
def test_what_cant_be_annotated_is_one_line(
    grafana: Stub,
    data: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    named: str,
) -> None:
    write(data, talk())

    assert run(*words) == 2

    assert named in capsys.readouterr().err
    assert not grafana.annotations


def test_a_room_without_a_session(
    grafana: Stub, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(data, talk())

    assert run("--room", "another") == 2

    assert "room another has no session" in capsys.readouterr().err


# --- following -------------------------------------------------------------------------------


class Following:
    """A session that is followed in a thread."""

    def __init__(self, stub: Stub, url: str, **options: Any) -> None:
        self.stopping = threading.Event()
        self.said: list[str] = []
        self.outcome: str | BaseException = ""
        self._grafana = Grafana(GrafanaSettings(url=stub.address, token=SecretStr(TOKEN)))
        self._client = redis.Redis.from_url(url, protocol=2, socket_timeout=5)
        self._options = {"without_emotion": False, **options}
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.outcome = follow(
                self._grafana,
                self._client,
                KEYS,
                stopping=self.stopping,
                say=self.said.append,
                **self._options,
            )
        except ReadroomError as error:
            self.outcome = error

    def ended(self) -> str | BaseException:
        self._thread.join(60)
        assert not self._thread.is_alive()
        self._client.close()
        return self.outcome

    def stop(self) -> str | BaseException:
        self.stopping.set()
        return self.ended()


def wait(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def say(client: redis.Redis, phase: str = "running", **changes: Any) -> None:
    state = room_state(1.0, [person(1, "neutral")], phase=phase, started_at=START, **changes)
    add(client, KEYS.people, state)


def happen(client: redis.Redis, kind: str, at_s: float, **fields: Any) -> None:
    told = Event(room="room", session="s1", kind=kind, start_s=at_s, end_s=at_s, **fields)
    add(client, KEYS.events, told)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annotate, "RETRY_S", 0.05)


def test_the_running_session_is_annotated_from_its_start_to_its_end(
    grafana: Stub, client: redis.Redis, redis_url: str
) -> None:
    happen(client, "session_started", 0.0)
    say(client)
    following = Following(grafana, redis_url)
    wait(lambda: texts(grafana, "session") == ["The session began"])
    happen(client, "marker", 5.0, state="pricing")
    happen(client, "state_ended", 6.0, state="anger", slot=1, person=1)
    wait(lambda: texts(grafana, "marker") == ["Marked: pricing"])
    happen(client, "session_closed", 9.0)

    assert following.ended() == "session s1: 3 annotations written"

    assert following.said == ["annotating session s1"]
    assert len(grafana.annotations) == 3


def test_following_and_the_store_write_one_and_the_same(
    grafana: Stub, client: redis.Redis, redis_url: str, data: Path
) -> None:
    rows = talk()
    write(data, rows)
    run("s1")
    before = len(grafana.annotations)
    for told in rows.events:
        add(client, KEYS.events, told)
    say(client)

    following = Following(grafana, redis_url)

    assert following.ended() == "session s1: 0 annotations written"
    assert len(grafana.annotations) == before


def test_a_grafana_that_is_away_for_a_while_misses_nothing(
    grafana: Stub, client: redis.Redis, redis_url: str, quick: None
) -> None:
    say(client)
    grafana.broken = 503
    happen(client, "marker", 5.0, state="pricing")
    following = Following(grafana, redis_url)
    wait(lambda: any("trying again" in line for line in following.said))
    grafana.broken = None
    happen(client, "session_closed", 9.0)

    assert following.ended() == "session s1: 2 annotations written"


def test_a_grafana_that_stays_away_ends_it_with_a_line(
    grafana: Stub,
    client: redis.Redis,
    redis_url: str,
    quick: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(annotate, "AWAY_S", 0.1)
    grafana.broken = 503
    say(client)
    happen(client, "marker", 5.0, state="pricing")

    outcome = Following(grafana, redis_url).ended()

    assert isinstance(outcome, ReadroomError)
    assert "writes what is missing from the store" in str(outcome)


def test_a_token_that_is_refused_ends_it_at_once(
    grafana: Stub, client: redis.Redis, redis_url: str
) -> None:
    grafana.token = "another"
    say(client)
    happen(client, "marker", 5.0, state="pricing")

    outcome = Following(grafana, redis_url).ended()

    assert "refuses the token" in str(outcome)
    assert TOKEN not in str(outcome)


def test_another_session_is_not_mixed_in_and_its_start_is_the_end(
    grafana: Stub, client: redis.Redis, redis_url: str
) -> None:
    happen(client, "marker", 1.0, state="first")
    say(client)
    following = Following(grafana, redis_url)
    wait(lambda: texts(grafana, "marker") == ["Marked: first"])
    other = Event(room="room", session="s2", kind="marker", start_s=1, end_s=1, state="second")
    add(client, KEYS.events, other)
    say(client, session="s2")

    assert following.ended() == "session s1: 1 annotations written"
    assert texts(grafana, "marker") == ["Marked: first"]


def test_a_rooms_purpose_forbids_what_names_an_emotion(
    grafana: Stub, client: redis.Redis, redis_url: str
) -> None:
    turn = Measure(value=0.3, low=0.1, high=0.5, n=3, coverage=0.8)
    say(client, purpose="education")
    happen(client, "inflection", 3.0, figure="valence", measure=turn)
    happen(client, "inflection", 4.0, figure="facing_front", measure=turn)
    happen(client, "session_closed", 9.0)

    Following(grafana, redis_url).ended()

    (said,) = texts(grafana, "moment")
    assert "faced the front" in said


def test_a_name_that_somebody_has_in_the_room_becomes_the_pseudonym(
    grafana: Stub, client: redis.Redis, redis_url: str
) -> None:
    named = msgspec.structs.replace(person(1, "neutral"), name="Anna")
    add(client, KEYS.people, room_state(1.0, [named], started_at=START))
    happen(client, "marker", 5.0, state="Anna asks")
    happen(client, "session_closed", 9.0)

    Following(grafana, redis_url).ended()

    assert texts(grafana, "marker") == ["Marked: P1 asks"]


def test_it_can_be_stopped_before_a_session_starts(
    grafana: Stub, client: redis.Redis, redis_url: str
) -> None:
    say(client, phase="rolling", session="")
    following = Following(grafana, redis_url)

    assert following.stop() == "no session started"


def test_from_the_command_line(
    grafana: Stub,
    client: redis.Redis,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("READROOM_REDIS__URL", redis_url)
    aggregator(client)
    say(client)
    happen(client, "marker", 5.0, state="pricing")
    happen(client, "session_closed", 9.0)

    assert run("--follow") == 0

    assert "session s1: 2 annotations written" in capsys.readouterr().out
    assert texts(grafana, "marker") == ["Marked: pricing"]
