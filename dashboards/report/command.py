"""``readroom report`` and ``readroom export``: which session, into which files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from readroom.dashboards.report import render
from readroom.dashboards.report.export import export, format_named
from readroom.dashboards.report.files import check, put
from readroom.dashboards.report.pdf import find_chromium, is_html_report, is_report, to_pdf
from readroom.sessions.allowed import check_allowed
from readroom.sessions.backup import readable
from readroom.sessions.choosing import chosen
from readroom.sessions.timelines import Timelines


def report(
    data: Path,
    wanted: str,
    *,
    compare: str | None,
    out: Path | None,
    pdf: Path | None,
    chromium: Path | None,
    made_at: float,
    without_emotion: bool = False,
) -> Iterator[str]:
    """Write a report of the session that is wanted (readroom.sessions.choosing) from the
    store in ``data``; a line for each file. ``out`` None: ``readroom-<session>.html`` in the
    current folder. ``without_emotion``: whether none may be named here, which a session of another
    purpose might. Raises BadSettings, NotPrinted."""
    with readable(data):
        timelines = Timelines(data)
        sessions = timelines.sessions()
        found = [chosen(sessions, each) for each in (wanted, compare) if each is not None]
        for each in found:
            check_allowed(each, without_emotion=without_emotion)
        session, other = found[0].name, found[1].name if len(found) > 1 else None
        target = out or Path(f"readroom-{session}.html")
        check(target, is_html_report)
        if pdf is not None:
            # What can't be printed is said before anything is made.
            find_chromium(chromium)
            check(pdf, is_report)
        html = render(timelines, session, other, made_at)
    put(target, html.encode(), is_html_report)
    yield f"report of session {session}: {target} ({len(html) / 1e6:.1f} MB)"
    if pdf is not None:
        to_pdf(html, pdf, chromium)
        yield f"the same as PDF: {pdf}"


def export_session(
    data: Path,
    wanted: str,
    out: Path,
    form: str,
    *,
    pseudonyms: bool,
    made_at: float,
    without_emotion: bool = False,
) -> Iterator[str]:
    """Export the session that is wanted; a line that says where to. ``without_emotion`` as above.
    Raises BadSettings."""
    named = format_named(form)
    with readable(data):
        timelines = Timelines(data)
        found = chosen(timelines.sessions(), wanted)
        check_allowed(found, without_emotion=without_emotion)
        session = found.name
        files = export(timelines, session, out, named, pseudonyms=pseudonyms, made_at=made_at)
    yield f"session {session} as {form}: {', '.join(str(path) for path in files)}"
