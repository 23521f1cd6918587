"""Tables that can be read with a screen reader, and scrolled on a phone."""

from __future__ import annotations

from collections.abc import Sequence

from readroom.dashboards.report.markup import Child, Markup, element, tied


def scrolling(table: Markup, label: str) -> Markup:
    """A table that scrolls sideways where it is wider than the page."""
    return element("div", table, class_="scroll", tabindex="0", role="region", aria_label=label)


def plain_table(
    heads: Sequence[str], rows: Sequence[Sequence[Child]], label: str, numbers: Sequence[int] = ()
) -> Markup:
    """A table whose first column names its rows. ``numbers`` are the columns set to the right."""

    def kind(column: int) -> str | None:
        return "number" if column in numbers else None

    def figure(column: int, cell: Child) -> Child:
        return tied(cell) if cell is not None and column in numbers else cell

    head = element(
        "tr",
        *(element("th", text, scope="col", class_=kind(n)) for n, text in enumerate(heads)),
    )
    body = [
        element(
            "tr",
            element("th", row[0], scope="row"),
            *(element("td", figure(n, cell), class_=kind(n)) for n, cell in enumerate(row[1:], 1)),
        )
        for row in rows
    ]
    return scrolling(element("table", element("thead", head), element("tbody", *body)), label)


def definitions(pairs: Sequence[tuple[str, Child]]) -> Markup:
    """Names and what they are, in two columns."""
    parts = [part for name, said in pairs for part in (element("dt", name), element("dd", said))]
    return element("dl", *parts, class_="facts")
