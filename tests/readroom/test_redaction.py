"""No secret survives redaction, in whatever form it was typed."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, strategies as st

from readroom.redaction import MASK, redact, redact_source

#: What a password may be made of, unencoded: everything that makes URLs hard to take apart.
LETTERS = string.ascii_letters + string.digits + "@:/#?%&=+!$'\"[]\\~;,()*"
#: No piece of the URL around it may look like a piece of the password: letters that are not there.
PASSWORDS = st.text(alphabet=LETTERS, min_size=3, max_size=20).map(lambda text: f"Q{text}Z")
SCHEMES = st.sampled_from(["rtsp", "rtsps", "http", "https", "redis", "rediss", "tcp"])


def pieces(password: str) -> list[str]:
    """The password and everything of it that lies between its special characters, where that is
    long enough not to be a coincidence."""
    for letter in string.punctuation:
        password = password.replace(letter, " ")
    return [word for word in password.split() if len(word) > 3]


@given(SCHEMES, PASSWORDS)
def test_a_password_in_a_url_never_survives(scheme: str, password: str) -> None:
    url = f"{scheme}://user:{password}@10.0.0.7:554/x/1.sdp"
    text = f"can't open {url} (timed out)"

    for shown in (redact_source(url), redact(url), redact(text), redact(repr(url))):
        assert password not in shown
        assert not [piece for piece in pieces(password) if piece in shown]
    assert "can't open" in redact(text)
    assert "(timed out)" in redact(text)


@given(SCHEMES, PASSWORDS)
def test_a_password_without_a_user_or_a_host_never_survives(scheme: str, password: str) -> None:
    for url in (
        f"{scheme}://:{password}@cam",
        f"{scheme}://{password}@cam",
        f"unix://{password}@/s",
    ):
        assert password not in redact_source(url) + redact(url) + redact_source(f"front={url}")


@given(PASSWORDS, st.sampled_from(["token", "password", "passwd", "api_key", "secret", "pwd"]))
def test_a_secret_in_a_query_never_survives(password: str, key: str) -> None:
    url = f"http://cam.example/stream?size=1&{key}={password}"

    assert password not in redact_source(url)
    assert password not in redact(f"GET {url} failed")


@given(st.text(alphabet=string.ascii_letters + string.digits, min_size=6).map("Q{}Z".format))
def test_a_named_secret_never_survives(secret: str) -> None:
    for text in (
        f"READROOM_HTTP__TOKEN={secret}",
        f"password: {secret}",
        f"{{'password': '{secret}'}}",
        f'{{"token": "{secret} and {secret}"}}',
        f"Authorization: Bearer {secret}",
        f"{{'Authorization': 'Bearer {secret}'}}",
        f"api-key = {secret}",
    ):
        assert secret not in redact(text)


@given(st.one_of(st.text(), PASSWORDS.map("rtsp://u:{}@h/?a=b c".format)))
def test_redacting_twice_is_redacting_once(text: str) -> None:
    assert redact(redact(text)) == redact(text)
    assert redact_source(redact_source(text)) == redact_source(text)


@pytest.mark.parametrize(
    "text",
    [
        "camera connected camera=front width=1280",
        "open http://127.0.0.1:8710/ (metrics: http://127.0.0.1:9310/metrics)",
        "/data/clip one.mp4: no such file",
        "mail me@example.org",
        "readroom: /etc/passwd: no usable backup (file is not a database)",
        "/home/me/old.password: no such file",
        "(../passwd: not a picture)",
        "~/token: is a folder",
        "Redis at redis://localhost:6379/0 doesn't answer: is it running?",
        "",
    ],
)
def test_text_without_secrets_is_unchanged(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "/etc/passwd: password: geheim1",
        "/etc/passwd: token=geheim1",
        "/password: geheim1",
        "user/password: geheim1",
        "/cam/user=admin&password: geheim1",
        "/cam/login?password: geheim1",
        "/cam/password=geheim1",
        "/cam/password:geheim1",
        "http://cam/a/password: geheim1",
        '{"/a/password": "geheim1"}',
    ],
)
def test_a_path_beside_a_secret_does_not_save_it(text: str) -> None:
    assert "geheim1" not in redact(text)


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("rtsp://admin:geheim@10.0.0.7:554/ch1", f"rtsp://{MASK}@10.0.0.7:554/ch1"),
        ("rtsp://10.0.0.7/ch1", "rtsp://10.0.0.7/ch1"),
        ("http://cam/video.mjpg?user=a&pw=b", f"http://cam/video.mjpg?{MASK}"),
        ("redis://:pw@[::1]:6379/0", f"redis://{MASK}@[::1]:6379/0"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
        ("rtsp://admin:12?34@cam", f"rtsp://{MASK}"),
        ("rtsp://admin:12#34@cam", f"rtsp://{MASK}"),
        ("rtsp://admin:12/34@cam", f"rtsp://{MASK}"),
        ("rtsp://admin:12[34@cam", f"rtsp://{MASK}"),
        ("/data/clip one.mp4", "/data/clip one.mp4"),
        ("demo:left", "demo:left"),
        ("0", "0"),
    ],
)
def test_a_source_keeps_what_tells_it_from_others(source: str, shown: str) -> None:
    assert redact_source(source) == shown


@pytest.mark.parametrize(
    "path",
    [
        "user=admin&password=tlJwpbo6&channel=1&stream=0.sdp?",
        "token=tlJwpbo6/stream1",
        "user=admin_password=tlJwpbo6_channel=1.sdp",
        "key/tlJwpbo6/video",
    ],
)
def test_a_password_in_a_path_is_not_shown(path: str) -> None:
    assert redact_source(f"rtsp://10.0.0.7:554/{path}").startswith("rtsp://10.0.0.7:554/***")
    assert "tlJwpbo6" not in redact_source(f"rtsp://10.0.0.7:554/{path}")
