"""Writes docs/semantics/table.md from the code: ``python -m docs.table_page``.

With a recording and a sentence that says what it is of, ``python -m docs.table_page talk.parquet
"The demo room, …"``, its example is made of that one: some rows go into docs/semantics/table.csv,
from which the page is written. A test compares the page with what this makes, so it can't fall
behind.
"""

from __future__ import annotations

import csv
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from readroom.dashboards.record.dictionary import dictionary
from readroom.messages import ACTIONS, EXPRESSIONS, LOOKS, MEASURES, STATES
from readroom.sessions import dictionary as store

FOLDER: Final = Path(__file__).parent / "semantics"
PAGE: Final = FOLDER / "table.md"
EXAMPLE: Final = FOLDER / "table.csv"
#: Columns of the example that the page shows side by side; all of them stand in the file.
SHOWN: Final = (
    "time_s", "pseudonym", "state", "confidence", "look", "valence", "action_smiling",
    "action_facing_front", "action_still", "face_yaw_deg", "nose_x", "marker", "marker_s",
)  # fmt: skip
#: Rows of the example: so many people at so many moments, evenly over the time they share.
PEOPLE: Final = 3
MOMENTS: Final = 4

_HEAD: Final = """\
# The recorded table and the session store

<!-- Written by `python -m docs.table_page` from the code: edit that. -->

Two places hold what a room said. The **recorded table** is one Parquet file for whoever studies a
session: everything that was told of each person, with every room state, keypoints and markers.
It is made only where somebody asks for it. The **session store** is the SQLite file that the
program keeps for itself: timelines, events, figures of the room. Neither holds a picture or a face
embedding. Both say how people looked to the networks and rules of `docs/semantics`, not what went
on in them.

For the purposes `workplace` and `education` the table lacks the columns marked ‡. In the store such
a column is NULL or says no more than whether a face was seen and where it was turned, and events
and measures that rest on expressions aren't there. What is left is presence and visible actions.

## Recording
    pip install 'readroom[record]'          # pyarrow
    readroom record --out talk.parquet      # ends with the session, or with Ctrl-C

A row stands for one person of one published room state: the ground for a fusion that is learned
from data, with the markers as its labels. Room states are published four times a second of the wall
clock (setting `publish_hz`), and that is also how often a row is written:

- A recording that is analysed faster than it plays gives fewer rows for a second of `time_s`, one
  that is analysed more slowly gives more. A room state whose time hasn't gone on gives none.
- A moment with nobody there gives no row. Somebody who is out of view for a moment has rows with
  `visible` false, until they have left.

Where rows have to be even in time, take the session store: its samples are by session time.

And of the file:

- One file is one session: the one that runs, from as far back as the stream remembers (ten
  minutes), else the next to start. `--session NAME` records one that ended within the ten minutes.
- Until its end, every 30 s of rows lie as a file of their own in `talk.parquet.parts`. A crash
  loses the 30 s that were being filled; `readroom record --finish --out talk.parquet` makes the
  table of the rest.
- A Redis that is away for two minutes ends the recording.
- A row's marker is the last one at or before its time. A marker that is told up to 30 s late still
  labels the rows that are about it, unless they are on disk already.
- Places are shares of the frame that `camera` delivers: x and widths of its width, y and heights of
  its height. A face at the frame's edge may reach below 0 or beyond 1. They are null while the
  frame's size isn't known.
- Of a person seen by several cameras there is one row, with the places in the camera that sees them
  best.
- An action is true (going on), false (not going on) or null (it can't be told at that moment, since
  the engine doesn't run or the body part is out of sight). Null is not false.
- Only its owner may read the file.

Each column's unit, range and meaning also stand in the file itself, as the metadata of its field
(`pyarrow.parquet.read_schema(path).field("valence").metadata`).

## A worked example
"""

_HOW: Final = """
How much of the 5 s after a marker did each person face the front, of the moments at which that can
be told?

```python
import pyarrow.parquet as pq

after = [("marker", "=", "pricing slide"), ("marker_s", "<", 5.0)]
table = pq.read_table("talk.parquet", filters=after)
print(table.group_by("pseudonym").aggregate([("action_facing_front", "mean")]))
```

And in the session store, of the whole of the last session (`facing_front` is bit 64 of `actions`
and `measured`):

```sql
SELECT pseudonym, avg(actions & 64 > 0) AS facing_front
FROM sample JOIN person USING (session, person)
WHERE session = (SELECT max(id) FROM session) AND measured & 64
GROUP BY person
```

## Columns of the recorded table
"""


def _listed(what: str, words: Iterable[str]) -> str:
    return textwrap.fill(f"- {what}: {', '.join(words)}", 100, subsequent_indent="  ")


_STORE: Final = f"""
## Tables of the session store
One SQLite file, `sessions.sqlite3` in `READROOM_DATA`, in WAL mode, readable by its owner alone.
Open it read-only (`sqlite3 -readonly`): a second writer would get in the aggregator's way. A file
of an older version is brought to this one's schema when it is opened; nothing in it is lost. An
hour of twelve people takes about 20 MB.

### Numbers that stand for words
They count from 0. These lists only ever grow at their end.

{_listed("**STATES**", (f"{n} {name}" for n, name in enumerate(STATES)))}
{_listed("**LOOKS**", (f"{n} {name}" for n, name in enumerate(LOOKS)))}
{_listed("**ACTIONS**, as bits", (f"{1 << n} {name}" for n, name in enumerate(ACTIONS)))}
{_listed("**EXPRESSIONS**, the bytes of `sample.expression`", EXPRESSIONS)}
{_listed("**MEASURES**, which are stored by name", MEASURES)}

"""

Rows = Sequence[dict[str, str]]


def page() -> str:
    """docs/semantics/table.md."""
    with EXAMPLE.open(encoding="utf-8", newline="") as file:
        lines = file.readlines()
    told = textwrap.fill(lines[0].removeprefix("# "), 100) + "\n"
    rows = list(csv.DictReader(lines[1:]))
    return "".join([_HEAD, told, _example(rows), _HOW, dictionary(), _STORE, store.dictionary()])


def _example(rows: Rows) -> str:
    lines = ["\n| " + " | ".join(f"`{name}`" for name in SHOWN) + " |"]
    lines.append("|---" * len(SHOWN) + "|")
    lines += ["| " + " | ".join(row[name] for name in SHOWN) + " |" for row in rows]
    first = rows[0]
    said = (
        f"The first row says: at {first['time_s']} s a viewer would name {first['pseudonym']}'s "
        f"expression {first['state']}, with a smoothed probability of {first['confidence']}. "
        f"All columns of these rows: [{EXAMPLE.name}]({EXAMPLE.name})."
    )
    return "\n".join([*lines, "", textwrap.fill(said, 100), ""])


def example_rows(table: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of the people who are there the longest, at moments at which all of them are."""
    people = [person for person, _ in Counter(row["person"] for row in table).most_common(PEOPLE)]
    moments: dict[float, list[dict[str, Any]]] = {}
    for row in table:
        if row["person"] in people:
            moments.setdefault(row["time_s"], []).append(row)
    whole = [at_s for at_s, rows in sorted(moments.items()) if len(rows) == len(people)]
    chosen = [whole[(2 * n + 1) * len(whole) // (2 * MOMENTS)] for n in range(MOMENTS)]
    return [row for at_s in dict.fromkeys(chosen) for row in moments[at_s]]


def write_example(recording: Path, told: str) -> None:
    """Take the page's example from a recording; ``told`` says in a sentence what it is of."""
    import pyarrow.parquet as pq  # noqa: PLC0415  (an extra, and only here)

    rows = example_rows(pq.read_table(recording).to_pylist())
    with EXAMPLE.open("w", encoding="utf-8", newline="") as file:
        file.write(f"# {told}\n")
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _spelled(value) for name, value in row.items()} for row in rows)


def _spelled(value: Any) -> str:
    """A value as the page shows it: empty for null, three decimals."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        write_example(Path(sys.argv[1]), sys.argv[2])
    PAGE.write_text(page(), "utf-8")
