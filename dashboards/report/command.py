"""``readroom report`` and ``readroom export``: which session, into which files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from readroom.dashboards.report import render
from readroom.dashboards.report.choose import chosen
from readroom.dashboards.report.export import export, format_named
from readroom.dashboards.report.files import check, put
from readroom.dashboards.report.pdf import find_chromium, is_html_report, is_report, to_pdf
from readroom.sessions.backup import readable
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
) -> Iterator[str]:
    """Write a report of the session that is wanted (readroom.dashboards.report.choose) from the
    store in ``data``; a line for each file. ``out`` None: ``readroom-<session>.html`` in the
    current folder. Raises BadSettings, NotPrinted."""
    with readable(data):
        timelines = Timelines(data)
        sessions = timelines.sessions()
        session = chosen(sessions, wanted)
        other = None if compare is None else chosen(sessions, compare)
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
    data: Path, wanted: str, out: Path, form: str, *, pseudonyms: bool, made_at: float
) -> Iterator[str]:
    """Export the session that is wanted; a line that says where to. Raises BadSettings."""
    named = format_named(form)
    with readable(data):
        timelines = Timelines(data)
        session = chosen(timelines.sessions(), wanted)
        files = export(timelines, session, out, named, pseudonyms=pseudonyms, made_at=made_at)
    yield f"session {session} as {form}: {', '.join(str(path) for path in files)}"
