"""The live page: what the room looks like now, and has over the last minutes.

The data's way::

    Redis                    this process                                    a browser
    people, events ──▶ one reader, the main thread (follow.py)
                          │ handed to the event loop's thread
                          ▼
                       Hub (hub.py) ── History (history.py): bounded, 2 samples a second
                          │ encoded once, for all
                          ▼
                       a bounded Mailbox per viewer ──▶ /api/v1/stream ──▶ stream.js
                                                        server-sent          ──▶ timeline.js
                                                        events                    the drawing

- Redis is read once, however many pages are open. The reader begins at the streams' oldest
  entry, so that a page opened late, or a restarted server, has the last minutes at once.
- A viewer's first message is ``history``: thinned samples, enough to draw every strip, and the
  newest room state. Then come ``room``, ``event`` and ``status``, as they happen.
- A viewer too slow for its mailbox loses what waits there and gets a new ``history`` instead:
  it jumps to now without a hole in its strips, and nobody's memory grows.
- Everything for programs, and what the page asks of the room, is below ``/api/v1`` (api/).
- ``status`` says whether Redis answers. The age of the data is in every message, measured with
  this machine's clock, so that the browser's may be wrong.
- What may be said about a face is in one place, words.py; the page fetches it from ``/words``.
- Where no emotion may be inferred (by the server's purpose or the room's) visible.py lets through
  what is visible, and ``/words`` has no word for the rest.
"""
