"""docs/api.md: the API's operations as a table, and what somebody who calls it should know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from readroom.dashboards.live.api.document import table as operations

_PAGE: Final = """\
# HTTP API

<!-- Written by `python -m docs.generate` from dashboards/live/api: edit that. -->

The live page's server (`readroom run`, `readroom live`) answers programs below `/api/v1`: the
running room, what somebody asks of it, and the stored sessions. The page itself asks there, too.
The whole contract is OpenAPI 3.1, made of the same declarations that check each request:
`http://127.0.0.1:8710/api/v1/openapi.json`. Schemathesis asks a server by it, with the token in its
phases coverage, fuzzing and stateful, without it in fuzzing, 25 examples each and a fixed seed; the
stream, which has no end, is left out (tests/dashboards/test_api_document.py).

{table}
A `?` marks what may be left out. Times are session time in seconds, but `…_at`: Unix seconds.

## Who may ask
- Whatever changes something needs the token, always: `Authorization: Bearer …`. `readroom run`
  makes one for its run and prints it with the page's address, unless `READROOM_HTTP__TOKEN` is
  set; `readroom live` alone has none until it is set, and changes nothing.
- Reading needs it too once the server listens beyond loopback (`READROOM_HTTP__HOST`) or is
  reached by another name, a proxy's (`READROOM_HTTP__HOSTS`).
- A browser that opens `/?token=…` once keeps it as a cookie that scripts can't read and other
  sites can't send. Requests of other sites, or by a host name that isn't this server's, are
  refused (403, 421).
- POST and PATCH come as JSON, and say so: `Content-Type: application/json`.
- `/api/v1/about` says whether a request `may_write`.

## Answers
JSON. What isn't done is `{{"error": "…"}}`, a sentence that names the thing, its value and what
helps: 400 no such value, 401 the token, 403 not from there or not here, 404 nothing there, 405
another method, 409 it can't be done now, 413 too much, 415 no JSON, 503 a part that is needed is
away.

What is asked of the running room goes to its aggregator, which answers once the effect is on
disk: 200 `{{"done": true}}`, or 409 with its reason. After 2 s without an answer it is 202
`{{"done": null}}`: it was sent and may still be done. A marker with an `id` counts once, however
often it is sent.

Timelines come as columns, whole (at most 200,000 points an answer) or in steps of `step_s`: a
step's time is where it begins; state, confidence, coverage, look and actions are those of its
last point, valence and arousal the mean over its points; a step without points is left out.
Figures of the room look back over a minute already, so a step has its last; one answer holds
200,000 of them. A report is made here of sessions of up to 400,000 points (two hours of 12
people), `readroom report` makes those of longer ones. Operations that read all points are done
one at a time.

Where no emotion may be inferred (docs/semantics/purpose.md), sessions that were read for another
purpose are listed, but what was read in faces is refused (403).

## Examples
```bash
ROOM=http://127.0.0.1:8710/api/v1
AUTH="Authorization: Bearer $READROOM_HTTP__TOKEN"
JSON="Content-Type: application/json"

curl $ROOM/room                                    # who is there, and how they look
curl -N $ROOM/stream                               # everything, as it happens
curl -H "$AUTH" -H "$JSON" -d '{{"label": "pricing slide"}}' $ROOM/markers
curl -H "$AUTH" -H "$JSON" -X PATCH -d '{{"name": "Ada"}}' $ROOM/people/2
curl -H "$AUTH" -H "$JSON" -d '{{}}' $ROOM/session/stop

curl "$ROOM/sessions?limit=5"
curl "$ROOM/sessions/20261121T093000Z-4f1c/timelines?person=1&step_s=10"
curl $ROOM/sessions/20261121T093000Z-4f1c/report > report.html
curl -H "$AUTH" -X DELETE $ROOM/sessions/20261121T093000Z-4f1c   # the answer is the proof
```

A stream's first message is `history`; then come `room`, `event` and `status`. Whoever is too slow
for them gets a new `history` instead of what it missed.

Beside it the same server answers `/cards/face`, `/cards/expression` and `/cards/pose`: the card of
the network that is shipped for that engine, as text.
"""

Table = Callable[[Sequence[str], Sequence[Sequence[str]]], str]


def api_page(table: Table) -> str:
    """The page; ``table`` makes Markdown of heads and rows."""
    rows = [
        [f"`{address}`", f"`{asked}`" if asked else "–", f"{what}."]
        for address, asked, what in operations()
    ]
    return _PAGE.format(table=table(["Request", "What it is asked", "What it does"], rows))
