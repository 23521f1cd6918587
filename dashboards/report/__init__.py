"""The report: a stored session as one HTML file that can be handed on, and the export of its data.

material   a session, read once and put in order       spans, facts   what is made of a timeline
changes    markers × people, with intervals            compare        beside another session
summary    the summary in sentences                    words          every sentence there is
page       the file, of curve, strips, markers_section, moments, comparison_section, basis
pdf        the same by a headless Chromium             export/        CSV, JSON, Parquet
"""

from __future__ import annotations

from readroom.dashboards.report.material import read
from readroom.dashboards.report.page import page
from readroom.errors import BadSettings
from readroom.sessions.timelines import Timelines


def render(
    timelines: Timelines, session: str, compare: str | None = None, made_at: float | None = None
) -> str:
    """The report of a session as a whole HTML file, beside the session ``compare`` where one is
    named. ``made_at`` (Unix s) is what it says of its own making; None: nothing. Raises
    BadSettings where there is no such session, or it would be compared with itself."""
    if compare == session:
        raise BadSettings(f"--compare {compare}: that is the same session; name another one")
    other = None if compare is None else read(timelines, compare)
    return page(read(timelines, session), other, made_at)
