"""axe-core on an open page: what it finds wrong, as short lines."""

from __future__ import annotations

from importlib import resources
from typing import Any

from playwright.sync_api import Page

#: All rules but the experimental ones: WCAG 2.2 A and AA, and what axe calls best practice.
_RUN = """async () => (await axe.run(document, {
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
})).violations"""


def violations(page: Page) -> list[str]:
    """Run axe-core in the page; empty where it finds nothing."""
    # By the debugger's protocol: the page's own policy lets no script in, and stays in force.
    page.evaluate(
        resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    )
    found: list[dict[str, Any]] = page.evaluate(_RUN)
    return [
        f"{each['id']}: {each['help']}: {', '.join(str(node['target']) for node in each['nodes'])}"
        for each in found
    ]
