"""Who is who: the same person in two cameras, and again after leaving; two faces are two people."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterable
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from readroom.aggregator import gallery as templates, identity, tracking
from readroom.aggregator.gallery import Gallery, Look
from readroom.aggregator.identity import (
    Entered,
    Joined,
    Links,
    Merged,
    Outcome,
    Parted,
    Refused,
    SplitOff,
)
from tests.aggregator.identities import OTHER_COSINE, SAME_COSINE, Crowd, FaceReader, look_of
from tests.conftest import shared_folder

#: Who stands where: for each camera, the tracks and the names of the people they follow.
Cast = dict[str, dict[int, str]]
FPS = 4


class Film:
    """A room as its cameras see it: each picture's tracks, and a look at each once a second."""

    def __init__(self, crowd: Crowd | None = None, links: Links | None = None) -> None:
        self.crowd = crowd or Crowd()
        self.links, self.gallery = links or Links(), Gallery()
        self.at_s = 0.0
        self.outcomes: list[Outcome] = []
        self.reads = True
        self.width_px = 80.0

    def play(self, cast: Cast, seconds: float, order: random.Random | None = None) -> Film:
        for frame in range(round(seconds * FPS)):
            cameras = list(cast)
            if order is not None:
                order.shuffle(cameras)
            for camera in cameras:
                self.picture(camera, cast[camera], looked=frame % FPS == 0)
            self.at_s += 1 / FPS
        return self

    def picture(self, camera: str, tracks: dict[int, str], *, looked: bool = True) -> None:
        faces: dict[int, Look | None] = {
            track: self.crowd.look(name, camera, self.width_px) if looked and self.reads else None
            for track, name in tracks.items()
        }
        self.see(camera, faces)

    def see(self, camera: str, faces: dict[int, Look | None]) -> list[Outcome]:
        said = identity.see(self.links, self.gallery, camera, faces, self.at_s, reads=self.reads)
        self.outcomes += said
        return said

    def leave(self, camera: str, *tracks: int) -> list[int | None]:
        return [identity.leave(self.links, self.gallery, camera, track) for track in tracks]

    def who(self, camera: str, track: int) -> int:
        person = identity.person_of(self.links, camera, track)
        assert person is not None, f"no verdict on track {track} of {camera}"
        return person

    def people(self) -> int:
        """How many people are in sight."""
        return len({one.person for held in self.links.held.values() for one in held.values()})

    def crash(self) -> None:
        """What a checkpoint holds is all that there is."""
        self.links = msgspec.msgpack.decode(msgspec.msgpack.encode(self.links), type=Links)
        self.gallery = Gallery()

    def of(self, kind: type[Any]) -> list[Any]:
        return [outcome for outcome in self.outcomes if isinstance(outcome, kind)]


def at_angle(degrees: float, axis: int = 1) -> Look:
    """A look at this angle from the first axis, towards another."""
    vector = np.zeros(128)
    vector[0], vector[axis] = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return look_of(vector)


def with_cosines(*cosines: float) -> Look:
    """A look that has these cosines with the looks of the first axes."""
    vector = np.zeros(128)
    vector[: len(cosines)] = cosines
    vector[-1] = math.sqrt(1 - float(vector @ vector))
    return look_of(vector)


def axis(number: int) -> Look:
    """Somebody like nobody else: cosine 0 with all the others."""
    return look_of(np.eye(128)[number])


# -- the made people are as alike as real ones ----------------------------------------------------


def test_made_looks_have_the_measured_cosines() -> None:
    crowd = Crowd()
    names = [str(number) for number in range(80)]
    left = np.array([crowd.embedding(name, "left") for name in names])
    right = np.array([crowd.embedding(name, "right") for name in names])
    cosines = left @ right.T
    others = cosines[~np.eye(80, dtype=bool)]
    assert np.diag(cosines).mean() == pytest.approx(SAME_COSINE, abs=0.03)
    assert others.mean() == pytest.approx(OTHER_COSINE, abs=0.03)
    assert others.std() == pytest.approx(0.11, abs=0.02)


# -- without the network --------------------------------------------------------------------------


def test_without_the_network_every_track_is_its_own_person_at_once() -> None:
    film = Film()
    film.reads = False
    film.picture("left", {1: "ann", 2: "bob"})
    film.picture("right", {1: "ann", 2: "bob"})
    assert film.outcomes == [
        Entered(1, "left", 1),
        Entered(2, "left", 2),
        Entered(3, "right", 1),
        Entered(4, "right", 2),
    ]


def test_faces_too_small_to_be_known_are_everybody_by_themselves_after_the_wait() -> None:
    film = Film()
    film.width_px = templates.LEAST_WIDTH_PX - 1
    film.play({"left": {1: "ann"}, "right": {1: "ann"}}, identity.WAIT_S + 1)
    assert film.outcomes == [Entered(1, "left", 1), Entered(2, "right", 1)]
    assert not film.gallery.tracks


def test_a_track_without_any_look_waits_no_longer_than_it_must() -> None:
    film = Film()
    film.picture("left", {1: "ann"})
    while identity.person_of(film.links, "right", 1) is None:
        film.see("right", {1: None})
        film.at_s += 0.1
    assert film.at_s == pytest.approx(identity.WAIT_S + 0.1, abs=0.11)


def test_a_network_that_starts_later_finds_out_who_is_one() -> None:
    film = Film()
    film.reads = False
    cast: Cast = {"left": {1: "ann", 2: "bob"}, "right": {1: "bob", 2: "ann"}}
    film.play(cast, 2)
    film.reads = True
    film.play(cast, identity.LATE_LOOKS + 2)
    assert sorted((m.kept, m.gone) for m in film.of(Merged)) == [(1, 4), (2, 3)]


# -- two cameras, returns -------------------------------------------------------------------------


def test_two_people_in_two_cameras_are_two_and_not_four() -> None:
    film = Film().play({"left": {1: "ann", 2: "bob"}, "right": {1: "bob", 2: "ann"}}, 6)
    assert film.people() == 2
    assert film.who("left", 1) == film.who("right", 2)
    assert film.who("left", 2) == film.who("right", 1)
    assert not film.of(Merged)


def test_everybody_in_the_first_picture_is_somebody_at_once() -> None:
    film = Film()
    film.picture("left", {1: "ann", 2: "bob", 3: "cem"}, looked=False)
    assert film.outcomes == [Entered(n, "left", n) for n in (1, 2, 3)]


def test_somebody_who_comes_while_all_are_in_sight_is_new_at_once() -> None:
    film = Film().play({"left": {1: "ann", 2: "bob"}}, 5)
    film.picture("left", {1: "ann", 2: "bob", 3: "cem"}, looked=False)
    assert film.outcomes[-1] == Entered(3, "left", 3)


@pytest.mark.parametrize("camera", ["left", "right"])
def test_a_face_that_returns_after_two_minutes_is_the_same_person(camera: str) -> None:
    film = Film().play({"left": {1: "ann", 2: "bob"}}, 20)
    ann = film.who("left", 1)
    assert film.leave("left", 1) == [ann]
    film.play({"left": {2: "bob"}}, 120)
    film.play({"left": {2: "bob"}} | {camera: {2: "bob", 9: "ann"}}, 5)
    assert film.who(camera, 9) == ann


def test_somebody_else_who_comes_after_two_minutes_is_somebody_new() -> None:
    film = Film().play({"left": {1: "ann", 2: "bob"}}, 20)
    film.leave("left", 1)
    film.play({"left": {2: "bob"}}, 120).play({"left": {2: "bob", 3: "cem"}}, 5)
    assert film.who("left", 3) not in (1, 2)
    assert film.of(Entered)[-1].track == 3


def test_a_person_has_left_when_the_last_of_their_tracks_is_over() -> None:
    film = Film().play({"left": {1: "ann"}, "right": {1: "ann"}}, 6)
    assert film.leave("left", 1) == [None]
    assert film.leave("right", 1) == [1]
    assert film.leave("right", 1) == [None]


def test_cameras_that_are_far_apart_in_time_still_see_one_person() -> None:
    film = Film().play({"left": {1: "ann"}}, 60)
    film.at_s = 0.0
    film.play({"right": {5: "ann"}}, 5)
    assert film.who("right", 5) == film.who("left", 1)


def test_forty_people_in_two_cameras_are_forty() -> None:
    names = {number: f"person {number}" for number in range(40)}
    film = Film().play({"left": names, "right": names}, 12)
    assert film.people() == 40
    assert all(film.who("left", n) == film.who("right", n) for n in names)


@given(st.randoms(use_true_random=False), st.integers(0, 50))
@settings(max_examples=15)
def test_the_order_of_cameras_and_tracks_does_not_change_who_is_who(
    order: random.Random, seed: int
) -> None:
    people = ["ann", "bob", "cem", "dee"]
    casts: Cast = {}
    for camera in ("left", "middle", "right"):
        order.shuffle(people)
        casts[camera] = dict(enumerate(people))
    film = Film(Crowd(seed)).play(casts, 14, order)
    groups: dict[int, set[str]] = {}
    for camera, cast in casts.items():
        for track, name in cast.items():
            groups.setdefault(film.who(camera, track), set()).add(name)
    assert sorted(map(sorted, groups.values())) == [["ann"], ["bob"], ["cem"], ["dee"]]


def test_the_order_of_tracks_in_a_picture_means_nothing() -> None:
    films = []
    for tracks in ([1, 2, 3], [3, 1, 2]):
        film = Film()
        film.play({"left": {1: "ann", 2: "bob", 3: "cem"}}, 5)
        looks = {track: axis(track) for track in (1, 2, 3)}
        for _ in range(4):
            film.see("right", {track: looks[track] for track in tracks})
            film.at_s += 1
        films.append(film)
    assert films[0].outcomes == films[1].outcomes
    assert films[0].links == films[1].links


# -- two faces in one picture are two people ------------------------------------------------------


def test_twins_in_one_picture_stay_two_however_alike() -> None:
    crowd = Crowd()
    crowd.alike("twin", "ann")
    film = Film(crowd).play({"left": {1: "ann", 2: "twin"}}, 60)
    assert film.people() == 2
    assert not film.of(Merged)


def test_one_photo_in_two_cameras_is_one_person() -> None:
    crowd = Crowd()
    crowd.alike("photo", "ann")
    film = Film(crowd).play({"left": {1: "ann"}, "right": {1: "photo"}}, 6)
    assert film.who("left", 1) == film.who("right", 1)


def test_twins_seen_by_two_cameras_are_not_guessed_at() -> None:
    crowd = Crowd()
    crowd.alike("twin", "ann")
    both = {1: "ann", 2: "twin"}
    # Without a view of its own a camera says nothing that could tell them apart.
    for camera, name in itertools.product(("left", "right"), ("ann", "twin")):
        crowd._views[name, camera] = np.zeros(128)
    film = Film(crowd).play({"left": both, "right": both}, 40)
    assert film.people() == 4


def test_who_was_seen_beside_somebody_once_is_never_them_later() -> None:
    crowd = Crowd()
    crowd.alike("twin", "ann")
    film = Film(crowd).play({"left": {1: "ann", 2: "twin"}}, 10)
    film.leave("left", 2)
    film.play({"left": {1: "ann"}}, 5).play({"right": {7: "twin"}}, 6)
    assert film.who("left", 1) == 1
    identity.merge(film.links, film.gallery, 1, film.who("right", 7))
    assert isinstance(identity.merge(film.links, film.gallery, 1, 2), Refused)


def test_a_lost_track_that_comes_back_beside_its_person_is_somebody_else() -> None:
    film = Film().play({"left": {1: "ann"}}, 10)
    # She changes her seat, and is found there; somebody sits down where she was lost.
    film.play({"left": {2: "ann"}}, 5)
    assert film.who("left", 2) == 1
    film.play({"left": {1: "bob", 2: "ann"}}, 5)
    assert film.of(Parted) == [Parted(1, "left", 1)]
    assert film.who("left", 2) == 1
    assert film.who("left", 1) not in (1, None)


def test_who_takes_a_lost_seat_is_known_if_they_were_here_before() -> None:
    film = Film().play({"left": {1: "ann"}, "right": {1: "bob"}}, 10)
    bob = film.who("right", 1)
    film.play({"left": {2: "ann"}}, 5).play({"left": {1: "bob", 2: "ann"}}, 5)
    assert film.who("left", 1) == bob


# -- the assignment -------------------------------------------------------------------------------


def rehearse(film: Film, looks: dict[int, Look], camera: str, seconds: int = 5) -> None:
    for _ in range(seconds):
        film.see(camera, dict(looks))
        film.at_s += 1


def test_those_who_compete_are_assigned_together() -> None:
    film = Film()
    rehearse(film, {1: axis(0), 2: axis(1)}, "left")
    # Both look more like the first; only one of them can be.
    rehearse(film, {1: with_cosines(0.75, 0.60), 2: with_cosines(0.80, 0.10)}, "right")
    assert (film.who("right", 2), film.who("right", 1)) == (1, 2)


def test_who_looks_like_two_people_is_neither() -> None:
    film = Film()
    rehearse(film, {1: axis(0), 2: axis(1)}, "left")
    rehearse(film, {1: with_cosines(0.62, 0.58)}, "right", seconds=20)
    assert film.who("right", 1) == 3


def test_two_who_both_look_like_one_person_are_not_guessed_at() -> None:
    film = Film()
    rehearse(film, {1: axis(0)}, "left")
    rehearse(film, {1: with_cosines(0.62), 2: with_cosines(0.66)}, "right", seconds=20)
    assert {film.who("right", 1), film.who("right", 2)} == {2, 3}


@pytest.mark.parametrize(("cosine", "same"), [(0.47, True), (0.43, False)])
def test_the_first_verdict_has_a_threshold(cosine: float, same: bool) -> None:
    film = Film()
    rehearse(film, {1: axis(0)}, "left")
    rehearse(film, {1: with_cosines(cosine)}, "right")
    assert (film.who("right", 1) == 1) is same


def test_one_look_is_no_verdict() -> None:
    film = Film()
    rehearse(film, {1: axis(0)}, "left")
    film.see("right", {1: axis(0)})
    assert identity.person_of(film.links, "right", 1) is None


def test_pictures_of_one_moment_are_one_look() -> None:
    film = Film()
    rehearse(film, {1: axis(0)}, "left")
    for _ in range(10):
        film.see("right", {1: axis(0)})
        film.at_s += 0.03
    assert film.gallery.tracks["right", 1].looks == 1


# -- late merges ----------------------------------------------------------------------------------


def test_two_people_who_turn_out_to_be_one_become_the_older_one() -> None:
    film = Film()
    rehearse(film, {1: axis(0)}, "left")
    # Turned away at first; later as from the left.
    rehearse(film, {1: with_cosines(0.3)}, "right")
    assert film.who("right", 1) == 2
    rehearse(film, {1: with_cosines(0.7)}, "right", seconds=20)
    rehearse(film, {1: axis(0)}, "left")
    assert film.of(Merged) == [Merged(1, 2)]
    assert film.who("right", 1) == 1


def test_three_who_are_one_are_joined_one_after_the_other() -> None:
    film = Film()
    film.reads = False
    cast: Cast = {"left": {1: "ann"}, "middle": {1: "ann"}, "right": {1: "ann"}}
    film.play(cast, 1)
    film.reads = True
    film.play(cast, 12)
    assert film.people() == 1
    assert {merged.kept for merged in film.of(Merged)} == {1}


# -- by hand --------------------------------------------------------------------------------------


def two_cameras(seconds: float = 6) -> Film:
    return Film().play({"left": {1: "ann", 2: "bob"}, "right": {1: "ann", 2: "bob"}}, seconds)


def test_a_merge_by_hand_holds_against_the_network() -> None:
    cast: Cast = {"left": {1: "ann"}, "right": {1: "bob"}}
    film = Film().play(cast, 6)
    assert identity.merge(film.links, film.gallery, 2, 1) == Merged(1, 2)
    film.play(cast, 60)
    assert film.who("right", 1) == film.who("left", 1) == 1
    assert not film.of(Parted)


def test_a_merge_by_hand_is_known_on_return() -> None:
    film = Film().play({"left": {1: "ann"}, "right": {1: "bob"}}, 10)
    identity.merge(film.links, film.gallery, 1, 2)
    film.leave("left", 1)
    film.leave("right", 1)
    film.play({"middle": {1: "bob"}}, 5)
    assert film.who("middle", 1) == 1


def test_a_split_by_hand_holds_against_the_network() -> None:
    cast: Cast = {"left": {1: "ann"}, "right": {1: "ann"}}
    film = Film().play(cast, 6)
    assert identity.split(film.links, 1, "right") == SplitOff(1, 3, (1,))
    film.play(cast, 60)
    assert (film.who("left", 1), film.who("right", 1)) == (1, 3)
    assert not film.of(Merged)


def test_a_split_by_hand_is_undone_by_a_merge_by_hand() -> None:
    film = two_cameras()
    ann = film.who("left", 1)
    split = identity.split(film.links, ann, "right")
    assert isinstance(split, SplitOff)
    assert identity.merge(film.links, film.gallery, split.other, ann) == Merged(ann, split.other)
    assert film.who("right", 1) == ann
    assert not film.links.split


def test_a_split_by_hand_goes_with_whoever_one_of_the_two_becomes() -> None:
    cast: Cast = {"left": {1: "ann"}, "right": {1: "ann"}, "back": {1: "cem"}}
    film = Film().play(cast, 6)
    split = identity.split(film.links, film.who("left", 1), "right")
    assert isinstance(split, SplitOff)
    older = film.who("back", 1)
    assert identity.merge(film.links, film.gallery, split.other, older) == Merged(
        older, split.other
    )
    film.play(cast, 30)
    assert film.who("left", 1) != film.who("right", 1)


def test_a_split_takes_along_what_that_camera_knew() -> None:
    # Joined wrongly: the right camera's is another person, whom it saw beside bob.
    film = Film().play({"left": {1: "ann"}, "right": {1: "cem", 2: "bob"}}, 6)
    identity.merge(film.links, film.gallery, film.who("left", 1), film.who("right", 1))
    split = identity.split(film.links, film.who("left", 1), "right")
    assert isinstance(split, SplitOff)
    bob = film.who("right", 2)
    assert isinstance(identity.merge(film.links, film.gallery, split.other, bob), Refused)
    assert isinstance(identity.merge(film.links, film.gallery, film.who("left", 1), bob), Merged)


def test_a_split_in_the_only_camera_leaves_the_person_to_come_back() -> None:
    film = Film().play({"left": {1: "ann"}}, 10)
    film.leave("left", 1)
    # The network takes the double for her.
    film.crowd.alike("double", "ann")
    film.play({"left": {2: "double"}}, 5)
    assert film.who("left", 2) == 1
    assert identity.split(film.links, 1, "left") == SplitOff(1, 3, (2,))
    assert film.links.people[1].gone_s == pytest.approx(film.at_s - 1 / FPS)
    assert not film.play({"left": {2: "double"}}, 30).of(Merged)


def test_what_cannot_be_done_by_hand_says_why_and_changes_nothing() -> None:
    film = two_cameras()
    before = msgspec.msgpack.encode(film.links)
    ann, bob = film.who("left", 1), film.who("left", 2)
    refused = [
        identity.merge(film.links, film.gallery, ann, bob),
        identity.merge(film.links, film.gallery, ann, ann),
        identity.merge(film.links, film.gallery, ann, 99),
        identity.split(film.links, 99, "left"),
        identity.split(film.links, ann, "back"),
    ]
    assert all(isinstance(outcome, Refused) and outcome.reason for outcome in refused)
    assert msgspec.msgpack.encode(film.links) == before


# -- crash, erasure, bounds -----------------------------------------------------------------------


def test_after_a_crash_everybody_in_sight_is_who_they_were() -> None:
    cast: Cast = {"left": {1: "ann", 2: "bob"}, "right": {1: "ann", 2: "bob"}}
    film = two_cameras()
    before = [film.who(camera, track) for camera, track in itertools.product(cast, (1, 2))]
    film.crash()
    film.play(cast, 10)
    after = [film.who(camera, track) for camera, track in itertools.product(cast, (1, 2))]
    assert after == before
    # Their looks are known again: who comes to a third camera is known.
    film.play(cast | {"door": {1: "bob"}}, 5)
    assert film.who("door", 1) == film.who("left", 2)


def test_after_a_crash_whoever_was_away_is_somebody_new() -> None:
    film = Film().play({"left": {1: "ann", 2: "bob"}}, 10)
    film.leave("left", 1)
    film.crash()
    film.play({"left": {2: "bob"}}, 5).play({"left": {2: "bob", 3: "ann"}}, 6)
    assert film.who("left", 3) == 3
    assert identity.merge(film.links, film.gallery, 1, 3) == Merged(1, 3)


def test_after_a_crash_what_was_done_by_hand_holds() -> None:
    cast: Cast = {"left": {1: "ann", 2: "bob"}, "right": {1: "ann"}, "back": {1: "cem"}}
    film = Film().play(cast, 6)
    other = identity.split(film.links, film.who("left", 1), "right")
    identity.merge(film.links, film.gallery, film.who("left", 2), film.who("back", 1))
    assert isinstance(other, SplitOff)
    film.crash()
    film.play(cast, 30)
    assert film.who("right", 1) == other.other != film.who("left", 1)
    assert film.who("back", 1) == film.who("left", 2)


def test_after_a_crash_two_who_were_seen_at_once_are_still_two() -> None:
    crowd = Crowd()
    crowd.alike("twin", "ann")
    film = Film(crowd).play({"left": {1: "ann", 2: "twin"}}, 6)
    film.leave("left", 2)
    film.crash()
    assert isinstance(identity.merge(film.links, film.gallery, 1, 2), Refused)


def test_no_look_can_reach_a_checkpoint() -> None:
    film = two_cameras()
    assert film.gallery.tracks
    with pytest.raises(TypeError):
        msgspec.msgpack.encode(film.gallery)
    floats = [
        value
        for value in _leaves(msgspec.to_builtins(film.links, str_keys=True))
        if isinstance(value, float)
    ]
    times = len(film.links.people) + 4 + len(film.links.at_s)
    assert len(floats) == times, "a figure that is no time is in the links"


def _leaves(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, list | tuple | set):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield value


def test_the_links_of_twelve_people_in_two_cameras_are_small() -> None:
    names = {number: f"person {number}" for number in range(12)}
    film = Film().play({"left": names, "right": names}, 5)
    assert len(msgspec.msgpack.encode(film.links)) < 2000


def test_a_hundred_who_come_and_go_leave_no_more_than_the_last_sixty_four() -> None:
    film = Film()
    for number in range(100):
        film.play({"left": {number: f"person {number}"}}, 5)
        film.leave("left", number)
    film.picture("left", {100: "person 99"})
    assert len(film.links.people) <= templates.MAX_PEOPLE
    assert len(film.gallery.past) <= templates.MAX_PEOPLE
    film.play({"left": {101: "person 90"}}, 5)
    assert film.of(Joined)[-1].track == 101
    assert film.who("left", 101) < 100 - 5


def test_of_more_than_sixty_four_in_sight_the_rest_have_no_template() -> None:
    names = {number: f"person {number}" for number in range(80)}
    film = Film().play({"left": names}, 3)
    assert film.people() == 80
    assert len(film.gallery.tracks) == templates.MAX_PEOPLE


# -- what is learnt -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "embedding",
    [(0.0,) * 128, (math.nan,) * 128, (math.inf,) + (0.0,) * 127, (1.0,) * 64, ()],
)
def test_an_embedding_that_is_none_is_not_learnt(embedding: tuple[float, ...]) -> None:
    gallery = Gallery()
    assert templates.learn(gallery, ("left", 1), axis(0), 0.0)
    assert not templates.learn(gallery, ("left", 2), Look(embedding, 80.0, 1.0), 0.0)
    assert list(gallery.tracks) == [("left", 1)]


@pytest.mark.parametrize(("width_px", "weight"), [(39.0, 1.0), (80.0, 0.2), (math.nan, 1.0)])
def test_a_face_that_says_too_little_is_not_learnt(width_px: float, weight: float) -> None:
    gallery = Gallery()
    look = Look(axis(0).embedding, width_px, weight)
    assert not templates.learn(gallery, ("left", 1), look, 0.0)
    assert not gallery.tracks


def test_a_poor_look_counts_less() -> None:
    gallery = Gallery()
    templates.learn(gallery, ("left", 1), axis(0), 0.0)
    poor = look_of(np.asarray(at_angle(60).embedding), weight=0.5)
    templates.learn(gallery, ("left", 1), poor, 1.0)
    known = templates.person_look(gallery, 1, [("left", 1)])
    assert known is not None
    tilt = math.degrees(math.atan2(known[0][1], known[0][0]))
    assert tilt == pytest.approx(math.degrees(math.atan2(0.5 * math.sqrt(3) / 2, 1.25)))


def test_a_single_strange_look_changes_nothing_and_a_run_of_them_begins_anew() -> None:
    gallery = Gallery()
    for second in range(5):
        templates.learn(gallery, ("left", 1), axis(0), second)
    assert not templates.learn(gallery, ("left", 1), axis(1), 5)
    assert templates.learn(gallery, ("left", 1), axis(0), 6)
    said = [
        templates.learn(gallery, ("left", 1), axis(1), 7 + n) for n in range(templates.STRANGE_RUN)
    ]
    assert said == [False] * (templates.STRANGE_RUN - 1) + [True]
    assert gallery.tracks["left", 1].looks == 1


def test_a_template_forgets_slowly() -> None:
    gallery = Gallery()
    for second in range(1000):
        templates.learn(gallery, ("left", 1), at_angle(0 if second < 500 else 40), second)
    template = gallery.tracks["left", 1]
    assert template.weight == pytest.approx(templates.REMEMBERED)
    mean = templates.unit(template.total)
    assert mean is not None
    assert float(mean @ np.asarray(at_angle(40).embedding)) > 0.99


# -- whatever happens -----------------------------------------------------------------------------

steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("see"),
            st.sampled_from(["left", "right"]),
            st.dictionaries(st.integers(0, 4), st.integers(0, 3), max_size=4),
            st.floats(-1, 3),
            st.booleans(),
        ),
        st.tuples(st.just("leave"), st.sampled_from(["left", "right"]), st.integers(0, 4)),
        st.tuples(st.just("merge"), st.integers(1, 8), st.integers(1, 8)),
        st.tuples(st.just("split"), st.integers(1, 8), st.sampled_from(["left", "right"])),
        st.tuples(st.just("crash")),
    ),
    max_size=60,
)


@given(steps)
@settings(max_examples=120)
def test_whatever_happens_the_rules_hold(script: list[Any]) -> None:
    film = Film()
    split: set[frozenset[tuple[str, int]]] = set()
    for verb, *what in script:
        if verb == "see":
            camera, cast, step_s, film.reads = what
            film.at_s += step_s
            faces = {track: axis(name) if name else None for track, name in cast.items()}
            film.see(camera, faces)
            owners = [film.links.held[camera][track].person for track in cast]
            assert len(set(owners)) == len(owners), "two faces of a picture are one person"
        elif verb == "leave":
            film.leave(*what)
        elif verb == "merge":
            if isinstance(identity.merge(film.links, film.gallery, *what), Merged):
                split.clear()
        elif verb == "split":
            done = identity.split(film.links, *what)
            if isinstance(done, SplitOff):
                parts = [identity.tracks_of(film.links, n) for n in (done.person, done.other)]
                split |= {frozenset(pair) for pair in itertools.product(*parts)}
        else:
            film.crash()
        _check(film, split)


def _check(film: Film, split: set[frozenset[tuple[str, int]]]) -> None:
    links, gallery = film.links, film.gallery
    held = {(c, t): one.person for c, tracks in links.held.items() for t, one in tracks.items()}
    assert set(held.values()) <= set(links.people)
    for number, person in links.people.items():
        assert (person.gone_s is None) == (number in held.values())
        assert number <= links.made
    for pair in links.apart | links.split:
        assert pair[0] < pair[1]
        assert set(pair) <= set(links.people)
    for camera, together in links.together.items():
        assert {track for pair in together for track in pair} <= set(links.held[camera])
    assert gallery.tracks.keys() <= held.keys()
    assert gallery.past.keys() <= links.people.keys()
    for a, b in split:
        if a in held and b in held:
            assert held[a] != held[b], "the network undid a split by hand"


# -- real faces -----------------------------------------------------------------------------------


def portraits() -> dict[str, Any]:
    """The two public-domain portraits: picture, hand-made landmarks, width of the face."""
    faces = pytest.importorskip("readroom.ingest.demo.faces")
    return {"grace": faces.grace(), "eileen": faces.eileen()}


def test_two_portraits_at_two_sizes_are_two_people() -> None:
    reader = FaceReader(shared_folder("models"))
    read: dict[tuple[str, int], Any] = {}
    for (name, portrait), width_px in itertools.product(portraits().items(), (48, 112)):
        marks = portrait.landmarks
        eyes = [marks[side].mean(axis=0) for side in ("eye_left", "eye_right")]
        points = np.array([*eyes, marks["nose"][1], marks["lips"][0], marks["lips"][4]])
        scale = width_px / marks.face_width_px
        picture = cv2.resize(portrait.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        # Another crop: a few pixels to the side.
        shown = picture[2:, 3:] if width_px == 48 else picture
        moved = points * scale - ((3, 2) if width_px == 48 else (0, 0))
        read[name, width_px] = reader.embedding(shown, moved.astype(np.float32))
    for one, other in itertools.combinations(read, 2):
        cosine = float(read[one] @ read[other])
        if one[0] == other[0]:
            assert cosine > identity.LATE
        else:
            assert cosine < identity.SAME - identity.MARGIN


def test_two_crops_of_a_clip_of_two_people_are_two_people_and_not_four() -> None:
    reader = FaceReader(shared_folder("models"))
    clip = shared_folder("videos") / "head_turns_2_people.mp4"
    video = cv2.VideoCapture(str(clip))
    pictures = [picture for good, picture in iter(video.read, (False, None)) if good]
    video.release()
    views = {"left": (slice(0, 270), slice(0, 400)), "right": (slice(0, 260), slice(16, 480))}
    trackers = {camera: tracking.Tracker() for camera in views}
    film, seen = Film(), set()
    for number, picture in enumerate(pictures[::3] * 2):
        film.at_s = number * 0.25
        for camera, view in views.items():
            for track in _watch(film, reader, trackers[camera], camera, picture[view], number):
                seen.add((camera, track))
    assert {camera for camera, _ in seen} == set(views)
    assert len(seen) >= 4
    assert len({film.who(*track) for track in seen}) == 2
    assert not film.of(Parted)


def _watch(
    film: Film,
    reader: FaceReader,
    tracker: tracking.Tracker,
    camera: str,
    picture: Any,
    number: int,
) -> Iterable[int]:
    """Show a camera's picture to a tracker and the film; a look at each face once a second."""
    found = reader.find(picture)
    centres = [(x + w / 2, y + h / 2, w, h) for x, y, w, h in (face.box for face in found)]
    update = tracking.update(
        tracker,
        [tracking.Detection(*c, found[i].score, index=i) for i, c in enumerate(centres)],
        film.at_s,
    )
    faces: dict[int, Look | None] = {}
    for track, index in update.seen.items():
        face = found[index]
        looked = number % 4 == 0
        embedding = reader.embedding(picture, face.points) if looked else None
        faces[track] = None if embedding is None else look_of(embedding, face.box[2])
    film.see(camera, faces)
    return update.seen
