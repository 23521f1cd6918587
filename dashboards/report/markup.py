"""HTML by construction: text is escaped because it is text, and only what was built here is markup.

Nobody who writes a section can forget to escape a name: a plain ``str`` among an element's children
is text, whatever it holds.
"""

from __future__ import annotations

import html
import re
from typing import Final

#: Characters that HTML doesn't allow, or that turn the reading direction of what follows: a name
#: must not rearrange the sentence it stands in.
_NO_TEXT: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef"
    "\ufffe\uffff]"
)
#: Elements that have no end tag.
_VOID: Final = frozenset({"meta", "br", "hr", "col"})


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


Child = str | None


def escaped(text: str) -> Markup:
    """Text as markup that shows it, also within quotation marks."""
    return Markup(html.escape(_NO_TEXT.sub("�", text), quote=True))


def element(tag: str, *children: Child, **attributes: str | float | bool | None) -> Markup:
    """An element. Attributes: a trailing underscore is dropped and the others become hyphens
    (``class_``, ``aria_label``); None and False leave one out, True gives it no value."""
    spelled = "".join(_attribute(name, value) for name, value in attributes.items())
    if tag in _VOID:
        return Markup(f"<{tag}{spelled}>")
    return Markup(f"<{tag}{spelled}>{joined(*children)}</{tag}>")


def joined(*children: Child) -> Markup:
    """Children one after the other; None is none."""
    parts = (c if isinstance(c, Markup) else escaped(c) for c in children if c is not None)
    return Markup("".join(parts))


def tied(text: str) -> str:
    """Numbers stay on one line with their units."""
    return re.sub(r"(?<=\d) (?=(?:%|s|min|h)(?:\W|$))", "\N{NO-BREAK SPACE}", text)


def _attribute(name: str, value: str | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    spelled = name.rstrip("_").replace("_", "-")
    # SVG spells these with a capital.
    spelled = {"viewbox": "viewBox", "preserveaspectratio": "preserveAspectRatio"}.get(
        spelled, spelled
    )
    if value is True:
        return f" {spelled}"
    return f' {spelled}="{escaped(str(value))}"'
