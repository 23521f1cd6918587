"""The token of a run: made where none is set, handed down, said once."""

from __future__ import annotations

from readroom.run import with_token
from readroom.settings import SHORTEST_TOKEN, load_settings, to_environment

TOKEN = "0123456789abcdef"


def test_a_run_without_a_token_makes_one_that_nobody_can_guess() -> None:
    made = [with_token(load_settings()).http.token for _ in range(2)]
    said = [token.get_secret_value() for token in made if token is not None]
    assert len(set(said)) == 2
    assert all(len(token) > SHORTEST_TOKEN for token in said)
    # Nothing in it means anything else in an address.
    assert all(token.replace("-", "").replace("_", "").isalnum() for token in said)


def test_a_token_that_is_set_is_kept() -> None:
    settings = load_settings(http={"token": TOKEN})
    assert with_token(settings) is settings


def test_the_page_is_handed_the_token_through_its_environment() -> None:
    settings = with_token(load_settings())
    assert settings.http.token is not None
    variables = to_environment(settings)
    assert variables["READROOM_HTTP__TOKEN"] == settings.http.token.get_secret_value()
    assert settings.http.token.get_secret_value() not in repr(settings)
