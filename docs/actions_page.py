"""Writes docs/semantics/actions.md from the actions' catalogue: ``python -m docs.actions_page``.

A test compares the file with what this makes, so it can't fall behind.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

from readroom.aggregator.actions import blinks, switch
from readroom.aggregator.actions.catalogue import CATALOGUE, Action
from readroom.aggregator.actions.switch import Rule

PAGE = Path(__file__).parent / "semantics" / "actions.md"

_HEAD = f"""\
# Visible actions

<!-- Written by `python -m docs.actions_page` from aggregator/actions/catalogue.py: edit that. -->

What a person visibly does: {len(CATALOGUE)} actions, each going on or not. They are measured from
landmarks, head pose, blendshapes and keypoints, never from expressions, so that they may be told
where expressions must not be. They say what a camera sees, not why.

## How an action is switched
1. **A value per frame**, in a physical unit, in the person's own measures: face widths (about
   15 cm), shoulder widths (between the shoulder keypoints, about 35 cm), degrees.
2. **Smoothed** over time with the time constant τ, so that a frame counts for its duration and not
   as one of many, and one wrong frame changes nothing. What counts little (a small or blurred face,
   a keypoint with a low score) moves the mean little.
3. **Two thresholds**: beyond *enter* for *hold on* it is going on, beyond *leave* for *hold off* it
   is over. The span is dated to the crossing, not to the moment it was believed. So no span is
   shorter than *hold on*, and no interruption than *hold off*.
4. **Confidence** is the mean over the span of how clearly the value said yes (0 at *leave*, 0.5 at
   *enter*, 1 as far beyond) times how much it counted.

**Not measured isn't no.** Wrists under the table, a face turned away, no mesh network, too few
frames a second: then the action is in neither `actions` nor `measured`. One that loses its
measurement stays for {switch.GRACE_S:g} s, and ends where it was measured last. Some values can say
yes but not no: of two hands one isn't seen, or the mouth is measured without a mesh. Such an action
is in `measured` only while it is going on. And a first yes that hasn't held yet is neither: an
action is in `measured` from the first no on, or once it has been held.

A gap or a clock that stands still is no time; frames may come 2 to 30 times a second. Nods, shakes,
talking and blinks need more (below) and are not measured when there are fewer.

### A worked example
Somebody looks to the front at 10 frames a second and, from second 4.0 on, at a neighbour: yaw goes
from 3° to 40° within a frame. `facing_away` wants 30° (τ 0.2 s, hold on 0.4 s). The mean is
3 + 37 · (1 − e^(−t/0.2)): 17.6° at the first frame, 26.4° at the second, 31.7° at the third. That
crossed 30°, at 4.2; at 4.6 it has held for 0.4 s, and `facing_away` is shown, since 4.2.
`facing_front` crossed its 25° at 4.1 and is over at 4.5, until 4.1.

### A real timeline
What four actions' thresholds make of a clip (upset_to_laughing): a laugh that is found, and eyes
that are closed; tears that draw the corners of the mouth up and are taken for a smile; an open
mouth that is found for a third of its time, and a lowered head that isn't.

![values, thresholds, labels and read-out](clips/thresholds.png)

How often each action was missed, said falsely, late, or to and fro, on real clips and on rendered
people, and which rule each timeline left out would have chosen: [clips](clips.md#actions).

## Thresholds
| action | unit | enter | leave | τ, s | hold on, s | hold off, s |
|---|---|---|---|---|---|---|
"""

_BLINKS = f"""\
`blinks_per_min` counts closures of {blinks.SHORTEST_S:g} to {blinks.LONGEST_S:g} s (longer ones are
`eyes_closed`) over the last minute, per minute of the time in which the eyes were seen. A closure
begins when the value of `eyes_closed` reaches {blinks.CLOSED:g} and is over below {blinks.OPEN:g},
both half way between two frames. None while the eyes were seen for less than {blinks.ENOUGH_S:g} s,
or less often than every {blinks.LONGEST_PACE_S:g} s on average: at 10 frames a second
blinks shorter than 0.1 s are partly missed. People blink 17 times a minute at rest, 26 while
talking, 4.5 while reading (Bentivoglio et al. 1997)."""

_FOOT = f"""\
## Blinks
{textwrap.fill(_BLINKS, 100)}

## Sources
- Bentivoglio, Bressman, Cassetta, Carretta, Tonali, Albanese 1997: Analysis of blink rate patterns
  in normal subjects. Movement Disorders 12.
- Chandrasekaran, Trubanova, Stillittano, Caplier, Ghazanfar 2009: The natural statistics of
  audiovisual speech. PLoS Computational Biology 5.
- Hadar, Steiner, Grant, Rose 1983: Kinematics of head movements accompanying speech during
  conversation. Human Movement Science 2.
- Schiffman 2001: Sensation and Perception. Wiley.
- Stiefelhagen, Zhu 2002: Head orientation and gaze direction in meetings. CHI.

What "the clips" and "the timelines" are: [clips](clips.md). Figures on the clips were read off at
10 to 15 frames a second, with the packaged networks and MediaPipe's mesh, some with YuNet and
TinyPose. No real clip shows a nod, a shake, leaning or fidgeting: these are tested on rendered
people (`tests/truth/turns.py`) and scripted angles. Talking, crossed arms and raised hands are
shown by neither: they are tested on scripted jaws and keypoints only (`tests/aggregator/actions`).
"""


def page() -> str:
    """The whole page."""
    rows = "\n".join(_row(name, action) for name, action in CATALOGUE.items())
    sections = "\n".join(_section(name, action) for name, action in CATALOGUE.items())
    return f"{_HEAD}{rows}\n\n{sections}\n{_FOOT}"


def _row(name: str, action: Action) -> str:
    rule = action.rule
    sign = ("≥", "<") if rule.enter > rule.leave else ("≤", ">")
    thresholds = f"{sign[0]} {rule.enter:g} | {sign[1]} {rule.leave:g}"
    return f"| {name} | {action.unit} | {thresholds} | {_times(rule)} |"


def _times(rule: Rule) -> str:
    return f"{rule.tau_s:g} | {rule.hold_on_s:g} | {rule.hold_off_s:g}"


def _section(name: str, action: Action) -> str:
    return f"""\
## {name}
{action.meaning}

- **Needs** {action.needs}.
- **Value** ({action.unit}): {action.formula}.
- **Source**: {action.source}.
- **Limits**: {action.limits}.
"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
