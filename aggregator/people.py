"""The room's people: who is there, in which slot, and what each camera's tracks say of them.

A track that was confirmed is somebody whose identity may still be open: they are read, but have no
slot, and nothing is shown or stored of them, until :mod:`readroom.aggregator.identity` says who
they are (at once, unless they may be somebody whom another camera sees, or who was here before).

    tracks of all cameras ─▶ identity ─▶ somebody new       ─▶ a slot, "entered"
                                         known, in sight     ─▶ one more view of them
                                         known, was away     ─▶ back: same number, same slot if free
                                         two were one, after all ─▶ "merged"
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from readroom.affect import affect
from readroom.aggregator import (
    coverage as coverages,
    expression_state as expressions,
    identity,
    readout as readouts,
    slots as seats,
    views,
)
from readroom.aggregator.actions import state as actions
from readroom.aggregator.gallery import Gallery, Look
from readroom.aggregator.readout import Ended, Readout, ReadoutRules
from readroom.aggregator.rows import SessionRows
from readroom.aggregator.sight import Sight
from readroom.aggregator.telling import Who, tell
from readroom.aggregator.views import View
from readroom.messages import Box, PersonState, Quality, pseudonym
from readroom.sessions.rows import PersonRow

#: The number of whoever has none yet.
UNKNOWN: Final = 0


class Stay(msgspec.Struct):
    """Time present, and readable in it, s."""

    present_s: float = 0.0
    readable_s: float = 0.0

    def plus(self, other: Stay) -> Stay:
        """Both stays, one after the other."""
        return Stay(self.present_s + other.present_s, self.readable_s + other.readable_s)

    @property
    def ratio(self) -> float:
        """Share of the presence in which the face was readable."""
        return min(1.0, self.readable_s / self.present_s) if self.present_s > 0 else 0.0


class Person(msgspec.Struct):
    """Somebody. ``number`` counts the session's people, :data:`UNKNOWN` while it is open who it is;
    ``slot`` is None without a number, and where no slot was free. ``camera`` and ``track`` name the
    view that speaks, since ``speaks_s``; ``cameras`` are all that have seen the person.
    ``sampled_s`` is the time of the newest sample. ``first_s`` is when they came first,
    ``entered_s`` when this stay began, ``before`` the stays that are over. ``name`` is what
    somebody calls them."""

    number: int
    first_s: float
    entered_s: float
    readout: Readout
    camera: str
    track: int
    speaks_s: float
    views: list[View]
    cameras: list[str]
    slot: int | None = None
    refused: bool = False
    sampled_s: float = -1.0
    before: Stay = msgspec.field(default_factory=Stay)
    name: str | None = None

    @property
    def view(self) -> View:
        """The view that speaks."""
        return next(v for v in self.views if (v.camera, v.track) == (self.camera, self.track))

    @property
    def visible(self) -> bool:
        """Whether any camera sees the person."""
        return any(view.visible for view in self.views)

    @property
    def seen_s(self) -> float:
        """When the person was seen last, in this stay."""
        return max([self.entered_s, *(view.seen_s for view in self.views)])


class Away(msgspec.Struct):
    """Somebody who has left and may come back."""

    slot: int
    first_s: float
    left_s: float
    camera: str
    cameras: list[str]
    stay: Stay
    name: str | None = None


@dataclass(frozen=True, slots=True)
class _Named:
    """Somebody who is away, as an event names them."""

    number: int
    slot: int | None
    camera: str


class People(msgspec.Struct):
    """Everybody of a session, by number; ``waiting`` (by camera and track) are those of whom it is
    open who they are. Goes into the checkpoint: nothing in it says how anybody looks."""

    present: dict[int, Person] = {}
    waiting: dict[str, dict[int, Person]] = {}
    away: dict[int, Away] = {}
    slots: seats.Slots = msgspec.field(default_factory=seats.Slots)
    links: identity.Links = msgspec.field(default_factory=identity.Links)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a frame says of one track's face, and how much it counts (expression_state.weight)."""

    box: Box
    quality: Quality
    weight: float
    embedding: tuple[float, ...] | None = None


class Crowd:
    """The people, and the faces that they are known by (in memory only)."""

    def __init__(self, people: People, gallery: Gallery, rules: ReadoutRules) -> None:
        self.people = people
        self._gallery = gallery
        self._rules = rules

    # -- who is who -----------------------------------------------------------------------------

    def see(
        self,
        camera: str,
        faces: Mapping[int, Seen],
        at_s: float,
        rows: SessionRows,
        *,
        reads: bool,
    ) -> list[int]:
        """Take a picture in which faces were looked for: ``faces`` by confirmed track. ``reads``:
        whether an identity network runs for the camera. Returns the numbers of people who turned
        out to be somebody else."""
        waiting = self.people.waiting.setdefault(camera, {})
        for track, seen in faces.items():
            if self._whose(camera, track) is None:
                waiting[track] = self._newcomer(_view(camera, track, seen, at_s), at_s)
        looks = {track: _look(seen) for track, seen in faces.items()}
        outcomes = identity.see(self.people.links, self._gallery, camera, looks, at_s, reads=reads)
        merged = []
        for outcome in outcomes:
            match outcome:
                case identity.Entered() | identity.Joined():
                    self._join(waiting.pop(outcome.track), outcome.person, rows)
                case identity.Parted():
                    self._part(outcome, rows)
                case identity.Merged():
                    self._unite(outcome.kept, outcome.gone, rows)
                    merged.append(outcome.gone)
        self._seat_everybody(rows)
        known = self.people.links.people
        self.people.away = {n: away for n, away in self.people.away.items() if n in known}
        return merged

    def lose(self, camera: str, track: int, rows: SessionRows, at_s: float) -> None:
        """The camera follows the track no longer."""
        links = self.people.links
        self.people.waiting.get(camera, {}).pop(track, None)
        person = self._known(camera, track)
        gone = identity.leave(links, self._gallery, camera, track)
        if person is None:
            return
        if gone is not None:
            self._leave(person, at_s, rows)
        else:
            self._drop_view(person, camera, track, rows)

    def merge(self, slot: int, other: int, rows: SessionRows) -> int | identity.Refused:
        """By hand: the people of two slots are one. Returns the number that is no longer used."""
        a, b = self._in_slot(slot), self._in_slot(other)
        if a is None or b is None:
            name = pseudonym(slot if a is None else other)
            return identity.Refused(f"merge: there is no {name} in the room")
        done = identity.merge(self.people.links, self._gallery, a, b)
        if isinstance(done, identity.Refused):
            names = " and ".join(pseudonym(one) for one in (slot, other))
            return identity.Refused(f"{done.reason} ({names})")
        self._unite(done.kept, done.gone, rows)
        return done.gone

    def split(self, slot: int, camera: str, rows: SessionRows) -> identity.Refused | None:
        """By hand: whom ``camera`` sees in that slot is somebody else. Without a camera it is the
        only one that sees them."""
        number = self._in_slot(slot)
        person = None if number is None else self.people.present.get(number)
        if person is None:
            return identity.Refused(f"split: there is no {pseudonym(slot)} in the room")
        seen_by = sorted({view.camera for view in person.views if view.visible})
        if not camera and len(seen_by) != 1:
            those = ", ".join(seen_by) or "none"
            return identity.Refused(f"split: {pseudonym(slot)} is seen by {those}; name a camera")
        camera = camera or seen_by[0]
        cameras = sorted(self.people.links.at_s)
        if camera not in cameras:
            return identity.Refused(
                f"split: camera {camera!r} has seen nobody; there are {', '.join(cameras)}"
            )
        if not any(view.visible for view in person.views if view.camera == camera):
            who = pseudonym(slot)
            return identity.Refused(f"split: camera {camera!r} doesn't see {who} now")
        done = identity.split(self.people.links, person.number, camera)
        if isinstance(done, identity.Refused):
            return done
        taken = [v for v in person.views if v.camera == camera and v.track in done.tracks]
        at_s = max(view.at_s for view in taken)
        other = self._newcomer(taken[0], at_s)
        other.number, other.views = done.other, taken
        self.people.present[other.number] = other
        self._seat(other, rows)
        for view in taken:
            person.views.remove(view)
        name = None if other.slot is None else pseudonym(other.slot)
        tell(rows, "split", at_s, at_s, person, state=name, other=other.number)
        if person.views:
            self._choose(person, rows)
        else:
            person.views = [msgspec.structs.replace(taken[0])]
            self._leave(person, at_s, rows)
        return None

    def leave_all(self, times: Mapping[str, float], rows: SessionRows) -> None:
        """The session is over: everybody leaves. ``times`` are the cameras'."""
        for person in list(self.people.present.values()):
            self._leave(person, times[person.camera], rows)

    # -- what a frame says of them --------------------------------------------------------------

    def look(
        self,
        camera: str,
        track: int,
        seen: Seen | None,
        at_s: float,
        rows: SessionRows,
        *,
        visible: bool,
    ) -> None:
        """A frame in which the camera looked for faces, or time without one: the track's face was
        found (``seen``) or not; ``visible`` stays true for a moment that it is missed."""
        person = self._whose(camera, track)
        if person is None:
            return
        view = _view_of(person, camera, track)
        weight = 0.0 if seen is None else seen.weight
        box, quality = (None, None) if seen is None else (seen.box, seen.quality)
        views.look(view, box, quality, weight, at_s)
        view.visible = visible
        if not visible:
            view.keypoints = None
        self._choose(person, rows)

    def step(
        self,
        camera: str,
        track: int,
        sight: Sight | None,
        reading: expressions.Reading | None,
        at_s: float,
        rows: SessionRows,
    ) -> None:
        """Step the read-out of whoever the track is of, if this camera speaks for them."""
        person = self._whose(camera, track)
        if person is not None and (person.camera, person.track) == (camera, track):
            ended = readouts.step(person.readout, sight, reading, at_s, self._rules)
            _say(person, ended, rows)

    def seated(self, camera: str | None = None) -> list[Person]:
        """Who has a slot (and is spoken for by the camera), by slot."""
        found = [
            person
            for person in self.people.present.values()
            if person.slot is not None and camera in (None, person.camera)
        ]
        return sorted(found, key=lambda person: person.slot or 0)

    def rename(self, slot: int, name: str | None, rows: SessionRows) -> identity.Refused | None:
        """By hand: what the person in that slot, or who had it last, is called; None: nothing."""
        number = self._in_slot(slot)
        if number is None:
            return identity.Refused(f"rename: there is no {pseudonym(slot)} in the room")
        person, away = self.people.present.get(number), self.people.away.get(number)
        if person is not None:
            person.name = name
            _row(person, rows)
        elif away is not None:
            away.name = name
            _row_of_away(number, away, rows)
        return None

    def away(self) -> dict[int, str]:
        """Name, or else pseudonym, of who has left and may come back, by number."""
        return {n: away.name or pseudonym(away.slot) for n, away in self.people.away.items()}

    def forget_bodies(self, camera: str) -> None:
        """Nobody looks for bodies any more: what was seen of them is old."""
        for person in self.people.present.values():
            for view in person.views:
                if view.camera == camera:
                    view.keypoints = None

    def visible_in(self, camera: str) -> int:
        """How many people who have a slot the camera sees."""
        return sum(
            any(view.camera == camera and view.visible for view in person.views)
            for person in self.seated()
        )

    def sample(self, person: Person, at_s: float, rows: SessionRows) -> bool:
        """Compare the person with their own last minute, as often as samples are stored. False
        where another camera, whose time is ahead, has said more already."""
        if at_s <= person.sampled_s:
            return False
        person.sampled_s = at_s
        view = person.view
        seen = view.quality if view.visible else None
        ended = readouts.sample(
            person.readout,
            None if seen is None else seen.yaw_deg,
            None if seen is None else seen.pitch_deg,
            view.speed if view.visible else None,
            at_s,
        )
        _say(person, ended, rows)
        return True

    def view(self, camera: str, track: int) -> View | None:
        """The view that a track is, None for a track of nobody."""
        person = self._whose(camera, track)
        return None if person is None else _view_of(person, camera, track)

    # -- coming and going -----------------------------------------------------------------------

    def _newcomer(self, view: View, at_s: float) -> Person:
        return Person(
            number=UNKNOWN,
            first_s=at_s,
            entered_s=at_s,
            readout=readouts.begin(at_s, self._rules),
            camera=view.camera,
            track=view.track,
            speaks_s=at_s,
            views=[view],
            cameras=[view.camera],
        )

    def _whose(self, camera: str, track: int) -> Person | None:
        return self._known(camera, track) or self.people.waiting.get(camera, {}).get(track)

    def _known(self, camera: str, track: int) -> Person | None:
        number = identity.person_of(self.people.links, camera, track)
        return None if number is None else self.people.present.get(number)

    def _in_slot(self, slot: int) -> int | None:
        """The number of who has the slot, or had it last."""
        for number, person in self.people.present.items():
            if person.slot == slot:
                return number
        gone = [(a.left_s, number) for number, a in self.people.away.items() if a.slot == slot]
        return max(gone)[1] if gone else None

    def _join(self, newcomer: Person, number: int, rows: SessionRows) -> None:
        """It is known now who the newcomer is."""
        known, away = self.people.present.get(number), self.people.away.get(number)
        if known is not None:
            self._add_views(known, newcomer.views, rows)
            return
        newcomer.number = number
        if away is not None:
            self._come_back(newcomer, away, rows)
        self.people.present[number] = newcomer
        self._seat(newcomer, rows, away.slot if away is not None else None)

    def _part(self, parted: identity.Parted, rows: SessionRows) -> None:
        person = self.people.present[parted.person]
        view = _view_of(person, parted.camera, parted.track)
        newcomer = self._newcomer(view, view.at_s)
        self.people.waiting.setdefault(parted.camera, {})[parted.track] = newcomer
        self._drop_view(person, parted.camera, parted.track, rows)

    def _unite(self, kept: int, gone: int, rows: SessionRows) -> None:
        """``gone`` is ``kept``, who was there first."""
        present, away = self.people.present, self.people.away
        self._keep_name(kept, gone, rows)
        old, new = present.get(kept), present.pop(gone, None)
        slot = new.slot if new is not None else away[gone].slot if gone in away else None
        if new is None:
            self._add_stay(kept, self._uncount(gone, rows), rows)
            self._end_away(gone, kept, rows)
        elif old is not None:
            at_s = new.readout.at_s
            self._add_stay(kept, new.before, rows)
            _say(new, readouts.finish(new.readout, at_s), rows)
            _row(new, rows, left_s=new.seen_s, merged_into=kept)
            self._free(new)
            self._add_views(old, new.views, rows)
            self._seat(old, rows, slot)
        else:
            _row(new, rows, left_s=new.seen_s, merged_into=kept)
            self._succeed(new, kept, rows)
        if slot is not None:
            self._tell_merged(kept, gone, slot, rows)

    def _keep_name(self, kept: int, gone: int, rows: SessionRows) -> None:
        """Two who are one have one name: that of whom is kept, else the other's."""
        other = self.people.present.get(gone) or self.people.away.get(gone)
        name = None if other is None else other.name
        person, away = self.people.present.get(kept), self.people.away.get(kept)
        if name is None:
            return
        if person is not None and person.name is None:
            person.name = name
            _row(person, rows)
        elif away is not None and away.name is None:
            away.name = name
            _row_of_away(kept, away, rows)

    def _tell_merged(self, kept: int, gone: int, slot: int, rows: SessionRows) -> None:
        person, away = self.people.present.get(kept), self.people.away.get(kept)
        who: Who | None = None
        if person is not None and person.slot is not None:
            who, at_s = person, person.readout.at_s
        elif away is not None:
            who, at_s = _Named(kept, away.slot, away.camera), max(self.people.links.at_s.values())
        if who is not None:
            tell(rows, "merged", at_s, at_s, who, state=pseudonym(slot), other=gone)

    def _succeed(self, person: Person, kept: int, rows: SessionRows) -> None:
        """``person`` goes on as ``kept``, who was away: under that number, and in that slot where
        it is still free."""
        person.number = kept
        self.people.present[kept] = person
        away = self.people.away.get(kept)
        if away is None:
            return
        self._come_back(person, away, rows)
        if person.slot is not None and seats.take_back(self.people.slots, away.slot):
            seats.give_back(self.people.slots, person.slot)
            person.slot = away.slot
        _row(person, rows)

    def _come_back(self, person: Person, away: Away, rows: SessionRows) -> None:
        """The person has been here before: what was counted at their leaving is counted again when
        they leave for good."""
        person.first_s = away.first_s
        person.before = person.before.plus(self._uncount(person.number, rows))
        person.cameras = list(dict.fromkeys([*away.cameras, *person.cameras]))
        person.name = away.name or person.name
        del self.people.away[person.number]

    def _uncount(self, number: int, rows: SessionRows) -> Stay:
        """Take back what was counted of somebody at their leaving."""
        away = self.people.away.get(number)
        stay = Stay() if away is None else away.stay
        if stay.present_s > 0:
            rows.session.people_left -= 1
            rows.session.coverage_left -= stay.ratio
        return stay

    def _add_stay(self, number: int, more: Stay, rows: SessionRows) -> None:
        """Time for which somebody was there under another number is theirs."""
        if more.present_s == 0:
            return
        if number in self.people.present:
            person = self.people.present[number]
            person.before = person.before.plus(more)
        elif number in self.people.away:
            stay = self._uncount(number, rows).plus(more)
            self.people.away[number].stay = stay
            rows.session.people_left += 1
            rows.session.coverage_left += stay.ratio

    def _end_away(self, gone: int, kept: int, rows: SessionRows) -> None:
        away = self.people.away.pop(gone, None)
        if away is not None:
            _row_of_away(gone, away, rows, merged_into=kept)

    def _add_views(self, person: Person, more: Iterable[View], rows: SessionRows) -> None:
        more = list(more)
        person.views += more
        new = [view.camera for view in more if view.camera not in person.cameras]
        person.cameras += dict.fromkeys(new)
        if new and person.slot is not None:
            _row(person, rows)
        self._choose(person, rows)

    def _drop_view(self, person: Person, camera: str, track: int, rows: SessionRows) -> None:
        """The view is gone or somebody else's; another one speaks where this one did. Without any
        (the person has another track that has not been found lately) the last one stays."""
        kept = [v for v in person.views if (v.camera, v.track) != (camera, track)]
        if kept:
            person.views = kept
            self._choose(person, rows)

    def _choose(self, person: Person, rows: SessionRows) -> None:
        """Which camera speaks for the person."""
        now = next(
            (v for v in person.views if (v.camera, v.track) == (person.camera, person.track)), None
        )
        at_s = person.readout.at_s
        best = views.best(person.views, now, at_s - person.speaks_s)
        if best is None or best is now:
            return
        if best.camera != person.camera:
            _say(person, readouts.restart_actions(person.readout), rows)
        person.camera, person.track, person.speaks_s = best.camera, best.track, at_s

    def _seat_everybody(self, rows: SessionRows) -> None:
        for person in self.people.present.values():
            if person.slot is None:
                self._seat(person, rows)

    def _seat(self, person: Person, rows: SessionRows, wanted: int | None = None) -> None:
        """Give somebody a slot (the one they had), if there is one."""
        slots = self.people.slots
        if person.slot is not None:
            return
        back = wanted is not None and seats.take_back(slots, wanted)
        person.slot = wanted if back else seats.take(slots)
        if person.slot is None:
            if not person.refused:
                person.refused = True
                slots.overflow += 1
            return
        _row(person, rows)
        tell(rows, "person_entered", person.entered_s, person.entered_s, person)

    def _free(self, person: Person) -> None:
        if person.slot is not None:
            seats.give_back(self.people.slots, person.slot)

    def _leave(self, person: Person, at_s: float, rows: SessionRows) -> None:
        """Nobody sees the person any more."""
        del self.people.present[person.number]
        if person.slot is None:
            return
        seen_s = person.seen_s
        _say(person, readouts.finish(person.readout, max(seen_s, at_s)), rows)
        present_s = max(0.0, seen_s - person.entered_s)
        stay = person.before.plus(Stay(present_s, min(present_s, person.readout.coverage.total_s)))
        if stay.present_s > 0:
            rows.session.people_left += 1
            rows.session.coverage_left += stay.ratio
        tell(rows, "person_left", person.entered_s, seen_s, person)
        _row(person, rows, left_s=seen_s)
        self.people.away[person.number] = Away(
            person.slot, person.first_s, seen_s, person.camera, person.cameras, stay, person.name
        )
        self._free(person)


def person_state(person: Person) -> PersonState:
    """How a person who has a slot looks now."""
    readout, view, slot = person.readout, person.view, person.slot or 0
    probabilities = expressions.probabilities(readout.expression)
    valence, arousal = affect(readout.expression.state, probabilities) or (None, None)
    return PersonState(
        slot=slot,
        person=person.number,
        pseudonym=pseudonym(slot),
        camera=person.camera,
        cameras=tuple(dict.fromkeys(view.camera for view in person.views)),
        visible=person.visible,
        state=readout.expression.state,
        since_s=readout.expression.since_s,
        confidence=expressions.confidence(readout.expression),
        expression=probabilities,
        coverage=coverages.ratio(readout.coverage),
        box=view.box,
        valence=valence,
        arousal=arousal,
        face_width_px=readout.expression.width_px,
        keypoints=view.keypoints,
        look=readout.look.look,
        look_since_s=readout.look.since_s,
        actions=actions.running(readout.actions),
        measured=actions.measured(readout.actions, readout.at_s),
        blinks_per_min=actions.blinks_per_min(readout.actions, readout.at_s),
        quality=view.quality,
        readable=readout.coverage.readable,
        name=person.name,
    )


def _view(camera: str, track: int, seen: Seen, at_s: float) -> View:
    return View(camera=camera, track=track, box=seen.box, seen_s=at_s, at_s=at_s)


def _view_of(person: Person, camera: str, track: int) -> View:
    return next(v for v in person.views if (v.camera, v.track) == (camera, track))


def _look(seen: Seen) -> Look | None:
    if seen.embedding is None:
        return None
    return Look(seen.embedding, seen.box.width, seen.weight)


def _row(
    person: Person,
    rows: SessionRows,
    *,
    left_s: float | None = None,
    merged_into: int | None = None,
) -> None:
    """Write the person down. Who turned out to be somebody else has no name: that one has it."""
    if person.slot is not None:
        rows.people.append(
            PersonRow(
                person.number,
                person.slot,
                person.camera,
                person.first_s,
                left_s,
                tuple(person.cameras),
                merged_into,
                person.name if merged_into is None else None,
            )
        )


def _row_of_away(
    number: int, away: Away, rows: SessionRows, *, merged_into: int | None = None
) -> None:
    rows.people.append(
        PersonRow(
            number,
            away.slot,
            away.camera,
            away.first_s,
            away.left_s,
            tuple(away.cameras),
            merged_into,
            away.name if merged_into is None else None,
        )
    )


def _say(person: Person, ended: Iterable[Ended], rows: SessionRows) -> None:
    """Tell what is over, of somebody who has a slot."""
    if person.slot is None:
        return
    for one in ended:
        tell(
            rows,
            one.kind,
            one.start_s,
            one.end_s,
            person,
            state=one.state,
            confidence=one.confidence,
            measure=one.measure,
            figure=one.state if one.measure is not None else None,
        )
