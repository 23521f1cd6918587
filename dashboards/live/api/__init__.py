"""``/api/v1``: what the page does and shows, for programs (docs/api.md).

    a request ─▶ Guarded (app.py): Host, Origin, token
              ─▶ routes.py: which operation; its path, query and body, decoded strictly
              ─▶ a handler: live.py (the running room) or stored.py (sessions)
              ─▶ its answer as JSON, or {"error": …} with the right status

An :class:`~readroom.dashboards.live.api.operations.Operation` is declared once, in catalogue.py.
From that declaration come the route, the validation of what is asked (msgspec structs: asked.py),
the OpenAPI document (document.py) and the table in docs/api.md, so that none can say otherwise.

- A handler that is no coroutine function may block: it runs in a thread.
- What somebody asks of a running room goes to the aggregator like any other command, and the answer
  is the aggregator's own: done once it is on disk, or refused, with the reason.
- Where no emotion may be inferred, nothing that names one is answered (stored.py).
"""
