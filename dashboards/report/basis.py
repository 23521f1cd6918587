"""What a report rests on: coverage, cameras, caveats, and the technical appendix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Final

import numpy as np

from readroom import __version__
from readroom.dashboards.report.changes import LEAST, MIN_MOMENTS, RATE
from readroom.dashboards.report.facts import Facts
from readroom.dashboards.report.markup import Child, Markup, element, joined
from readroom.dashboards.report.material import Material
from readroom.dashboards.report.spans import GAP_S
from readroom.dashboards.report.tables import definitions, plain_table
from readroom.dashboards.report.words import Words, listed
from readroom.messages import ON_PURPOSE, TOO_SMALL
from readroom.sessions.schema import MIGRATIONS
from readroom.sessions.timelines import StoredCamera
from readroom.words import clock, moment, percent, seconds

#: Below this share of the time readable, somebody gets a caveat; so many get one each.
LOW_COVERAGE: Final = 0.6
MOST_CAVEATS: Final = 4
#: Fewer people are few.
FEW_PEOPLE: Final = 5
#: Drops from this share of a camera's frames on are told. In what a camera drops by its rate alone
#: nothing is lost: it delivers more frames than are asked for.
DROPPED_RATIO: Final = 0.05
#: A face that was too small for so long is worth a word, s.
SMALL_S: Final = 5.0
#: Readability of two halves differs if by so much.
HALVES: Final = 0.25


def coverage_section(material: Material, people: Sequence[Facts], words: Words) -> Markup:
    """Caveats, and what each camera delivered."""
    caveats = [element("li", text) for text in caveats_of(material, people, words)]
    parts = [element("h3", words.say("caveats")), element("ul", *caveats, class_="caveats")]
    if material.cameras:
        rows = [_camera(camera, words) for camera in material.cameras]
        heads = [words.say(key) for key in ("camera", "source", "frames", "dropped")]
        parts.append(element("h3", words.say("cameras")))
        parts.append(
            plain_table(heads, rows, words.say("table", what=words.say("cameras")), numbers=(2,))
        )
    return joined(*parts)


def caveats_of(material: Material, people: Sequence[Facts], words: Words) -> Iterator[str]:
    """What a reader has to bear in mind, of this session."""
    yield words.say("c_looks")
    if not material.without_emotion:
        yield words.say("c_network")
    if 1 < len(people) < FEW_PEOPLE:
        yield words.say("c_people", count=len(people))
    yield from _covered(people, words)
    yield from _small(people, words)
    yield from _halves(material, words)
    yield from _cameras(material.cameras, words)
    yield from _networks(material, people, words)
    if material.session.purpose is None:
        yield words.say("c_purpose")
    if material.markers:
        yield words.say("c_chance")


def _covered(people: Sequence[Facts], words: Words) -> Iterator[str]:
    low = [found for found in people if found.there_s > 0 and found.coverage < LOW_COVERAGE]
    if len(low) > MOST_CAVEATS:
        yield words.say("c_coverage_many", count=len(low), n=len(people))
        return
    for found in low:
        yield words.say("c_coverage", who=found.person.label, percent=percent(found.coverage))


def _small(people: Sequence[Facts], words: Words) -> Iterator[str]:
    small = [found for found in people if found.states.get(TOO_SMALL, 0.0) >= SMALL_S]
    for found in small[:MOST_CAVEATS]:
        duration = seconds(found.states[TOO_SMALL])
        yield words.say("c_small", who=found.person.label, duration=duration)


def _halves(material: Material, words: Words) -> Iterator[str]:
    """Whether people could be read much better in one half than in the other."""
    there, read = np.zeros(2), np.zeros(2)
    for person in material.people:
        track = person.track
        half = (track.time_s >= material.end_s / 2).astype(np.int64)
        readable = track.seen_well if material.without_emotion else track.readable
        there += np.bincount(half, track.lasts_s, minlength=2)
        read += np.bincount(half[readable], track.lasts_s[readable], minlength=2)
    if there.min() <= 0:
        return
    first, second = (read / there).tolist()
    if abs(first - second) >= HALVES:
        yield words.say("c_half", first=percent(first), second=percent(second))


def _cameras(cameras: Sequence[StoredCamera], words: Words) -> Iterator[str]:
    for camera in cameras:
        lost = {why: n for why, n in camera.dropped.items() if why not in ON_PURPOSE and n > 0}
        total = camera.frames + sum(lost.values())
        if total and sum(lost.values()) / total >= DROPPED_RATIO:
            yield words.say(
                "c_dropped",
                camera=camera.camera,
                percent=percent(sum(lost.values()) / total),
                reasons=_reasons(lost, words),
            )


def _networks(material: Material, people: Sequence[Facts], words: Words) -> Iterator[str]:
    merged = sum(label != number for number, label in _into(material).items())
    if merged:
        yield words.say("c_merged", count=merged)
    engines = material.session.models
    if not engines:
        return
    if not material.without_emotion and "expression" not in engines:
        yield words.say("c_no_expression")
    elif not material.without_emotion and "mesh" not in engines:
        yield words.say("c_mesh")
    if "identity" not in engines and len(people) > 1:
        yield words.say("c_identity")


def _into(material: Material) -> dict[int, int]:
    """Everybody's number, to that of who they are in the end."""
    kept = {person.label: person.number for person in material.people}
    return {number: kept.get(label, number) for number, label in material.labels.items()}


def _camera(camera: StoredCamera, words: Words) -> list[Child]:
    dropped = _reasons({why: n for why, n in camera.dropped.items() if n > 0}, words)
    return [
        camera.camera,
        _source(camera.source),
        str(camera.frames),
        dropped or words.say("none_dropped"),
    ]


def _source(source: str) -> str:
    """A camera's address; of a file only its name: a report is handed on."""
    return PurePath(source).name if source.startswith(("/", "./", "../", "~")) else source


def _reasons(dropped: Mapping[str, int], words: Words) -> str:
    known = words.vocabulary.drops
    return listed(
        [words.say("drop", count=n, reason=known.get(why, why)) for why, n in dropped.items()]
    )


def appendix(material: Material, words: Words) -> Markup:
    """What ran, what was stored, and how it is counted."""
    session = material.session
    networks = [
        words.say("network", engine=engine, model=model)
        for engine, model in sorted(session.models.items())
    ]
    rows = {
        "events": len(material.events),
        "figures": len(material.measures),
        "markers": len(material.markers),
        "notes": len(material.notes),
    }
    pairs: list[tuple[str, Child]] = [
        (words.say("session_id"), session.name),
        (words.say("room"), session.room),
        (words.say("state"), words.say(f"state_{session.state}")),
        (words.say("purpose"), session.purpose or words.say("purpose_none")),
        (words.say("started"), moment(session.started_at)),
        (words.say("saved"), moment(session.saved_at)),
        (words.say("length"), clock(material.end_s, fine=True)),
        (words.say("program"), words.say("program_value", version=__version__,
                                         schema=len(MIGRATIONS))),
        (words.say("points"), words.say("points_value", count=material.points,
                                        step=f"{material.step_s:.2f} s")),
        (words.say("rows"), words.say("rows_value", **rows)),
        (words.say("networks"), listed(networks) or words.say("networks_none")),
    ]  # fmt: skip
    told = [element("li", text) for text in _defined(material, words)]
    return joined(
        definitions(pairs),
        element("h3", words.say("definitions")),
        element("ul", *told, class_="caveats small"),
    )


def _defined(material: Material, words: Words) -> Iterator[str]:
    yield words.say("d_readable")
    yield words.say("d_front")
    if not material.without_emotion:
        yield words.say("d_valence")
        yield words.say("d_look")
    figure = "facing_front" if material.without_emotion else "valence"
    yield words.say("d_room")
    yield words.say("d_change", moments=MIN_MOMENTS, rate=percent(RATE), least=LEAST[figure])
    yield words.say("d_gap", gap=seconds(max(GAP_S, 2 * material.step_s)))
    yield words.say("d_documents")
