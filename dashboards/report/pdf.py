"""The report as PDF: printed by a headless Chromium, found on PATH or named by a setting.

The page is our own, but holds what people typed, so the browser is given as little as it needs: its
sandbox, a profile that is thrown away, no network (every name is not found), and a page whose
policy runs no script and fetches nothing. Chromium refuses its sandbox to root; only there it runs
without.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from readroom.dashboards.report.files import cannot, put
from readroom.dashboards.report.page import GENERATOR
from readroom.errors import BadSettings, ReadroomError

#: Names under which distributions install it.
PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: A report takes two or three seconds; a browser that hangs isn't waited for longer, s.
TIMEOUT_S: Final = 60.0
#: How much of what a failing browser says is told, characters.
_TOLD: Final = 200

_OPTIONS: Final = (
    "--headless",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-pdf-header-footer",
)


class NoChromium(BadSettings):
    """There is no Chromium to print with."""


class NotPrinted(ReadroomError):
    """Chromium made no PDF."""


def find_chromium(named: Path | None = None) -> str:
    """Its program: the one named, else the first on PATH. Raises NoChromium."""
    if named is not None:
        program = shutil.which(named)
        if program is None:
            raise NoChromium(
                f"chromium={named} (READROOM_CHROMIUM): no program there that this user may run; "
                "name a Chromium or Chrome, or leave it unset to search PATH"
            )
        return program
    found = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    if found is None:
        raise NoChromium(
            "a PDF is printed by a headless Chromium, and none is on PATH "
            f"({', '.join(PROGRAMS)}): install one (`apt install chromium`), set READROOM_CHROMIUM "
            "to its program, or open the HTML report in any browser and print it"
        )
    return found


def to_pdf(
    html: str, target: Path, chromium: Path | None = None, timeout_s: float = TIMEOUT_S
) -> None:
    """Print a report into ``target``, over an earlier report's PDF only. Raises NoChromium,
    NotPrinted where it fails or hangs, BadSettings where the file can't be written."""
    program = find_chromium(chromium)
    with _folder(target) as folder:
        page, printed = folder / "report.html", folder / "report.pdf"
        page.write_text(html, "utf-8")
        said = _run(_command(program, folder, page, printed), folder / "said.txt", timeout_s)
        if not printed.is_file() or not printed.stat().st_size:
            raise NotPrinted(_why(program, said))
        put(target, printed.read_bytes(), ours=is_report)


@contextmanager
def _folder(target: Path) -> Iterator[Path]:
    """A folder for the browser's files, beside the target: a Chromium that is packed as a snap sees
    no other program's temporary files. Raises BadSettings where none can be made."""
    try:
        made = tempfile.TemporaryDirectory(
            prefix="readroom-pdf-", dir=target.absolute().parent, ignore_cleanup_errors=True
        )
    except OSError as error:
        raise cannot(target, error) from None
    with made as name:
        yield Path(name)


def is_report(content: bytes) -> bool:
    """Whether a file is the PDF of a report: its title says so."""
    # As Chromium writes a title: as it is, or in hexadecimal where it isn't all ASCII.
    marks = (GENERATOR.encode(), GENERATOR.encode("utf-16-be").hex().upper().encode())
    return content.startswith(b"%PDF-") and any(mark in content for mark in marks)


def is_html_report(content: bytes) -> bool:
    """Whether a file is a report as HTML."""
    return f'<meta name="generator" content="{GENERATOR} '.encode() in content[:4096]


def _command(program: str, folder: Path, page: Path, printed: Path) -> list[str]:
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    places = [f"--user-data-dir={folder / 'profile'}", f"--print-to-pdf={printed}"]
    return [program, *_OPTIONS, *sandbox, *places, page.as_uri()]


def _run(command: Sequence[str], said: Path, timeout_s: float) -> str:
    """Run the browser to its end, with all of its processes; what it said. It says it into a file:
    a helper that outlives it would hold a pipe open."""
    try:
        with said.open("wb") as told:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=told,
                start_new_session=True,
            )
    except OSError as error:
        raise NotPrinted(
            f"{command[0]}: can't be started ({error.strerror}); set READROOM_CHROMIUM to another "
            "Chromium, or print the HTML report from a browser"
        ) from None
    try:
        process.wait(timeout_s)
        return said.read_text("utf-8", "replace")
    except subprocess.TimeoutExpired:
        raise NotPrinted(
            f"{command[0]} made no PDF within {timeout_s:.0f} s and was stopped; try again, or "
            "open the HTML report in a browser and print it"
        ) from None
    finally:
        # Its helpers outlive it where it hangs or crashes; they are all of one group.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _why(program: str, said: str) -> str:
    remedy = "open the HTML report in a browser and print it"
    if "sandbox" in said.casefold():
        return (
            f"{program} found no usable sandbox here; allow unprivileged user namespaces, set "
            f"READROOM_CHROMIUM to a Chromium with its own sandbox helper, or {remedy}"
        )
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    last = lines[-1][:_TOLD] if lines else "it said nothing"
    return f"{program} made no PDF ({last}); {remedy}"
