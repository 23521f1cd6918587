"""Write docs/semantics/clips.md and its plots: ``python -m tests.truth.report``.

Everything in the page is computed from the timelines beside this file; the clips aren't needed. Run
it after ``python -m tests.truth.record``.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Final

from readroom.aggregator import expression_state as expressions, looks
from readroom.aggregator.actions import state as acting
from readroom.aggregator.actions.catalogue import RULES
from readroom.messages import ACTIONS, LOOKS
from tests.truth import acting as judged
from tests.truth.choose import (
    AS_GOOD,
    Chosen,
    all_settings,
    best,
    costs,
    leave_one_out,
    people_of,
    scored,
)
from tests.truth.filters import CURRENT
from tests.truth.format import FOLDER, Timeline, recorded
from tests.truth.people import MIN_FACE_PX, Followed
from tests.truth.plots import Band, draw
from tests.truth.scoring import Score, together

PAGE: Final = FOLDER.parents[1] / "docs" / "semantics" / "clips.md"
_METHODS: Final = {
    "mean": "Mean of probabilities",
    "logits": "Mean of logarithms",
    "forward": "Hidden Markov model, forward filter",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the page and the plots."""
    parser = argparse.ArgumentParser(prog="python -m tests.truth.report", description=__doc__)
    parser.add_argument("--page", type=Path, default=PAGE)
    given = parser.parse_args(arguments)
    timelines = recorded()
    given.page.parent.mkdir(parents=True, exist_ok=True)
    given.page.write_text(page(timelines), "utf-8")
    pictures = given.page.parent / given.page.stem
    pictures.mkdir(exist_ok=True)
    for name, people in people_of(timelines).items():
        draw(name, timelines[name].header.lasts_s, bands(people), pictures / f"{name}.png")
    print(f"wrote {given.page} and {len(timelines)} plots")


def page(timelines: Mapping[str, Timeline]) -> str:
    """The whole page, Markdown."""
    clips = people_of(timelines)
    kinds = {name: timeline.header.kind for name, timeline in timelines.items()}
    return (
        "\n\n".join(
            [
                _INTRODUCTION,
                _networks(timelines),
                "## Expression states as they are\n\n" + _as_they_are(clips, kinds),
                "## Which smoothing, which thresholds\n\n" + _choices(clips, kinds),
                "## Actions\n\n" + _actions(clips, kinds),
                "## The timelines\n\n" + _timelines(timelines),
                _LIMITS,
            ]
        )
        + "\n"
    )


_INTRODUCTION: Final = """\
# Timelines beside hand labels
Made by `python -m tests.truth.report` from the timelines in `tests/truth/timelines` and the
labels in `tests/truth/labels`; do not edit by hand.

Five real clips were labelled by one viewer from still frames, before any read-out of these
timelines was looked at: for every person an expression, the visible actions, and the viewer's own
doubt. What the viewer doubted by more than half isn't scored. The two views of the demo room are
*rendered* from two portraits by a script, which is their truth; they stand apart below. How each
figure is counted is written in `tests/truth/scoring.py`: flips are changes beyond the labelled
ones, per minute of scored time; a delay is from where the label begins, and below 0 where the
read-out was there in the unscored time before."""

_LIMITS: Final = """\
## What this can't show
- Two clips of real people hold one change of expression each. A median of two delays is two
  delays.
- One viewer labelled; how far a second one would agree is unknown. The viewer had read a few
  lines on an older network's read-out of the clips before.
- Nobody in the clips nods, shakes the head, raises a hand, crosses the arms, leans or clearly
  talks. What is said of these actions rests on scripted movements (`tests/aggregator/actions`).
- Sadness is the only displeased expression, one person shows it, and it may be acted.
- The rendered faces are warped portraits of two people: good for timing, not for how well faces
  are read."""


def _networks(timelines: Mapping[str, Timeline]) -> str:
    used: dict[tuple[str, str, str], list[str]] = {}
    for name, timeline in timelines.items():
        for task, network in timeline.header.networks.items():
            used.setdefault((task, network.model, network.sha256), []).append(name)
    rows = [
        f"| {task} | {model} | `{sha256[:12]}` | "
        f"{'all' if len(names) == len(timelines) else ', '.join(names)} |"
        for (task, model, sha256), names in used.items()
    ]
    fps = ", ".join(sorted({f"{one.header.fps:g}" for one in timelines.values()}))
    head = ["| task | network | SHA-256 | timelines |", "|---|---|---|---|"]
    return "\n".join([f"Recorded at {fps} frames a second with", "", *head, *rows])


def _as_they_are(clips: Mapping[str, Sequence[Followed]], kinds: Mapping[str, str]) -> str:
    scores = {name: scored(people, CURRENT) for name, people in clips.items()}
    rows = [_row(name, kinds[name], scores[name], len(clips[name])) for name in _ordered(kinds)]
    real = together(scores[name] for name in clips if kinds[name] == "clip")
    rendered = together(scores[name] for name in clips if kinds[name] == "rendered")
    rows += [
        _row("**all real**", "", real, sum(len(clips[n]) for n in clips if kinds[n] == "clip")),
        _row(
            "**all rendered**",
            "",
            rendered,
            sum(len(clips[n]) for n in clips if kinds[n] == "rendered"),
        ),
    ]
    return "\n".join(
        [
            f"With the constants of `aggregator/expression_state.py` ({CURRENT}).",
            "",
            "| timeline | kind | people | scored, s | labelled changes | flips a minute | "
            "first, s | change, s (median, worst) | missed | false | agreement |",
            "|---|---|---|---|---|---|---|---|---|---|---|",
            *rows,
        ]
    )


def _choices(clips: Mapping[str, Sequence[Followed]], kinds: Mapping[str, str]) -> str:
    real = [name for name in clips if kinds[name] == "clip"]
    lines = [
        "For each timeline left out, the setting with the lowest cost on all the others (real "
        "and rendered) was taken, and shown on the one left out. Cost: an event missed, a false "
        "one and a change too many count 1 each, and so does a second of mean delay; per person, "
        "each timeline alike. Among equals the one nearest to the constants as they are was "
        "taken. A setting reads: time constant; enter / leave; dwell."
    ]
    compared: list[str] = []
    for method, settings in all_settings().items():
        by_setting = costs(clips, settings)
        chosen = leave_one_out(clips, by_setting, _ordered(kinds))
        setting, as_good = best(by_setting, list(clips))
        only_real, as_good_real = best(by_setting, real)
        lines += [
            f"### {_METHODS[method]}",
            f"{len(settings)} settings tried. On everything: {setting} ({_many(as_good)} within "
            f"{100 * AS_GOOD:.0f} % of its cost); on the real clips alone: {only_real} "
            f"({_many(as_good_real)} within {100 * AS_GOOD:.0f} %).",
            _left_out_table(chosen, kinds),
        ]
        compared.append(_cost_row(_METHODS[method], {o.left_out: o.score for o in chosen}, kinds))
    now = {name: scored(people, CURRENT) for name, people in clips.items()}
    compared.append(_cost_row("Mean, constants as they are (nothing left out)", now, kinds))
    head = ["| smoothing | real clips | rendered |", "|---|---|---|"]
    lines += ["### Side by side", "Sum of the costs on what was left out."]
    return "\n\n".join([*lines, "\n".join([*head, *compared])])


def _left_out_table(chosen: Sequence[Chosen], kinds: Mapping[str, str]) -> str:
    rows = [f"| {one.left_out} | {one.setting} | {_figures(one.score)} |" for one in chosen]
    for kind, word in (("clip", "real"), ("rendered", "rendered")):
        total = together(one.score for one in chosen if kinds[one.left_out] == kind)
        rows.append(f"| **all {word}** | | {_figures(total)} |")
    return "\n".join(
        [
            "| left out | chosen on the others | flips a minute | first, s | "
            "change, s (median, worst) | missed | false | agreement |",
            "|---|---|---|---|---|---|---|---|",
            *rows,
        ]
    )


def _cost_row(word: str, scores: Mapping[str, Score], kinds: Mapping[str, str]) -> str:
    sums = {
        kind: sum(one.cost for name, one in scores.items() if kinds[name] == kind)
        for kind in ("clip", "rendered")
    }
    return f"| {word} | {sums['clip']:.2f} | {sums['rendered']:.2f} |"


def _actions(clips: Mapping[str, Sequence[Followed]], kinds: Mapping[str, str]) -> str:
    scores = judged.all_costs(clips)
    rows = []
    for action in ACTIONS:
        now = scores[action][0]
        for kind, word in (("clip", "real"), ("rendered", "rendered")):
            names = [name for name in clips if kinds[name] == kind]
            total = judged.summed(now[name] for name in names)
            if total.judged_s > 0 and (total.events or total.scored_s > 0):
                rows.append(f"| {action} | {word} | {_acted(total)} |")
    return "\n".join(
        [
            "With the rules of `aggregator/actions/catalogue.py`. *Told*: share of the labelled "
            "time in which the read-out says that the action can be told; *untold*: events in "
            "whose time it never could. Without a mesh network in the table above, what rests on "
            "it is untold.",
            "",
            "| action | kind | labelled events | untold | missed | false | flips a minute | "
            "delay, s (median, worst) | told | agreement |",
            "|---|---|---|---|---|---|---|---|---|---|",
            *rows,
            "",
            _actions_left_out(scores, clips, kinds),
        ]
    )


def _actions_left_out(
    scores: Mapping[str, Sequence[Mapping[str, judged.ActionScore]]],
    clips: Mapping[str, Sequence[Followed]],
    kinds: Mapping[str, str],
) -> str:
    """What a rule chosen on the others does on the timeline left out, where at least two have the
    action."""
    rows = []
    for action in ACTIONS:
        by_rule = scores[action]
        having = [n for n in _ordered(kinds) if by_rule[0][n].events > by_rule[0][n].untold]
        if len(having) < 2:
            continue
        rules = judged.grid(RULES[action])
        for name in having:
            index, equal = judged.best(by_rule, [other for other in clips if other != name])
            rule, there, now = rules[index], by_rule[index][name], by_rule[0][name]
            chosen = (
                "as it is"
                if index == 0
                else (
                    f"{rule.enter:g} / {rule.leave:g}, {rule.hold_on_s:g} / {rule.hold_off_s:g} s"
                )
            )
            rows.append(
                f"| {action} | {name} | {chosen} | {equal} of {len(rules)} | {there.cost:.2f} | "
                f"{now.cost:.2f} |"
            )
    if not rows:
        return "No action could be told in two timelines that show it: none could be chosen."
    return "\n".join(
        [
            "Rules chosen leaving one timeline out (thresholds × 0.6 to 1.6, holding times × 0.5 "
            "to 2), for actions that at least two timelines show. *Equal*: rules that cost the "
            "same on the others; the rule as it is was kept where it is one of them. All other "
            "rules could not be chosen from these timelines at all.",
            "",
            "| action | left out | enter / leave, hold on / off | equal | cost there | "
            "cost as it is |",
            "|---|---|---|---|---|---|",
            *rows,
        ]
    )


def _timelines(timelines: Mapping[str, Timeline]) -> str:
    kinds = {name: timeline.header.kind for name, timeline in timelines.items()}
    pictures = [f"![{name}: labels and read-out](clips/{name}.png)" for name in _ordered(kinds)]
    text = (
        "Upper bands: what the viewer (or the script) says, paler where that is in doubt; lower "
        "bands: the read-out, white where it can't be told. An action is shown where either has it."
    )
    return "\n\n".join([text, *pictures])


def bands(people: Sequence[Followed]) -> dict[str, list[tuple[str, list[Band], list[Band]]]]:
    """For each person the rows of the plot: what, the labels' bands, the read-out's bands."""
    return {one.truth.name: _rows(one) for one in people if one.times}


def _rows(person: Followed) -> list[tuple[str, list[Band], list[Band]]]:
    times, truth = person.times, person.truth
    states, looked = _read(person)
    rows = [
        (
            "expression",
            [Band(one.start_s, one.end_s, one.name, one.doubt) for one in truth.expressions],
            _bands(times, states),
        ),
        ("look", [], _bands(times, looked)),
    ]
    for action, told in judged.said(person).items():
        labels = [one for one in truth.actions if one.name == action]
        if labels or any(told):
            rows.append(
                (
                    action,
                    [Band(one.start_s, one.end_s, "on", one.doubt) for one in labels],
                    _bands(times, ["" if t is None else "on" if t else "off" for t in told]),
                )
            )
    return rows


def _read(person: Followed) -> tuple[list[str], list[str]]:
    """Expression state and look at every moment, as the aggregator says them."""
    state, actions = expressions.begin(person.times[0]), acting.begin(person.times[0])
    look = looks.begin(person.times[0])
    states: list[str] = []
    looked: list[str] = []
    for at_s, reading, sight in zip(person.times, person.readings, person.sights, strict=True):
        expressions.step(state, reading, at_s, MIN_FACE_PX)
        acting.step(actions, sight, at_s)
        going_on, known = acting.running(actions), acting.measured(actions, at_s)
        sure = expressions.confidence(state)
        looks.step(look, state.state, sure, going_on, known, at_s, allowed=LOOKS)
        states.append(state.state)
        looked.append(look.look)
    return states, looked


def _bands(times: Sequence[float], names: Sequence[str]) -> list[Band]:
    ends = [*times[1:], times[-1]]
    runs = groupby(zip(names, times, ends, strict=True), key=lambda one: one[0])
    found = []
    for name, run in runs:
        parts = list(run)
        if name:
            found.append(Band(parts[0][1], parts[-1][2], name, 0.0))
    return found


def _row(name: str, kind: str, score: Score, people: int) -> str:
    word = {"clip": "real", "rendered": "rendered"}.get(kind, "")
    counts = f"{people} | {score.scored_s:.1f} | {score.changes}"
    return f"| {name} | {word} | {counts} | {_figures(score)} |"


def _figures(score: Score) -> str:
    first = f"{median(score.first_s):.2f}" if score.first_s else "–"
    return (
        f"{score.flips_per_min:.1f} | {first} | {_delays(score)} | {score.missed} | "
        f"{score.false} | {100 * score.agreement:.0f} %"
    )


def _acted(score: judged.ActionScore) -> str:
    told = 100 * score.scored_s / score.judged_s
    agreement = f"{100 * score.agreement:.0f} %" if score.scored_s > 0 else "–"
    return (
        f"{score.events} | {score.untold} | {score.missed} | {score.false} | "
        f"{score.flips_per_min:.1f} | {_delays(score)} | {told:.0f} % | {agreement}"
    )


def _delays(score: Score) -> str:
    if not score.delays_s:
        return "–"
    return f"{median(score.delays_s):.2f}, {max(score.delays_s):.2f} ({len(score.delays_s)})"


def _ordered(kinds: Mapping[str, str]) -> list[str]:
    """Real clips first."""
    return sorted(kinds, key=lambda name: (kinds[name] != "clip", name))


def _many(count: int) -> str:
    return "it alone" if count == 1 else f"{count} settings"


if __name__ == "__main__":
    main()
