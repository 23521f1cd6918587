"""Write docs/semantics/clips.md and its plots: ``python -m tests.truth.report``.

Everything in the page is computed from the timelines beside this file; the clips aren't needed. Run
it after ``python -m tests.truth.record``.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Final

from readroom.aggregator import expression_state as expressions, looks
from readroom.aggregator.actions import state as acting
from readroom.aggregator.actions.catalogue import CATALOGUE, RULES
from readroom.aggregator.actions.switch import Rule
from readroom.messages import ACTIONS, LOOKS
from tests.truth import acting as judged, looking
from tests.truth.choose import (
    AS_GOOD,
    Chosen,
    all_settings,
    best,
    costs,
    leave_one_out,
    one_constant,
    people_of,
    scored,
)
from tests.truth.filters import CURRENT
from tests.truth.format import FOLDER, Timeline, recorded
from tests.truth.people import MIN_FACE_PX, Followed
from tests.truth.plots import Band, Curve, draw, draw_curves
from tests.truth.scoring import Score, together

PAGE: Final = FOLDER.parents[1] / "docs" / "semantics" / "clips.md"
#: The timeline whose values are drawn beside their thresholds, and of which actions.
EXAMPLE: Final = "upset_to_laughing_1_person"
DRAWN: Final = ("smiling", "mouth_open", "eyes_closed", "head_down")
_KINDS: Final = {"clip": "real", "rendered": "rendered"}
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
    draw_curves(EXAMPLE, curves(people_of(timelines)[EXAMPLE][0]), pictures / "thresholds.png")
    print(f"wrote {given.page} and {len(timelines)} plots")


def page(timelines: Mapping[str, Timeline]) -> str:
    """The whole page, Markdown."""
    clips = people_of(timelines)
    kinds = {name: timeline.header.kind for name, timeline in timelines.items()}
    return (
        "\n\n".join(
            [
                _INTRODUCTION,
                networks(timelines),
                "## Expression states as they are\n\n" + as_they_are(clips, kinds),
                "## Which smoothing, which thresholds\n\n" + _choices(clips, kinds),
                "## Actions\n\n" + _actions(clips, kinds),
                "## Looks\n\n" + _looks(clips, kinds),
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

Five real clips were labelled by one viewer from still frames: for every person an expression, the
visible actions, and the viewer's own doubt; before any read-out of these timelines was looked at,
and once more after the first figures were known, but no timeline with a mesh. What the viewer
doubted by more than half isn't scored. Four timelines are *rendered* from two portraits by a
script, which is their truth, and stand apart below: the two views of the demo room, and two people
who do on cue what no clip shows (`tests/truth/turns.py`). What the script's expressions do to
mouths and brows, and that lids behind glasses are in doubt, was written down after a first look at
what is read of them. People are found by their
place, so that tracking has no part in this; in a room the first 0.2 to 0.3 s of a person are for
being told from a false detection. How each figure is counted is written in
`tests/truth/scoring.py` and `acting.py`: flips are changes beyond the labelled ones, per minute of
scored time; a delay is from where the label begins, and below 0 where the read-out was there in the
unscored time before."""

_LIMITS: Final = """\
## What this can't show
- Two clips of real people hold one change of expression each. A median of two delays is two
  delays.
- One viewer labelled; how far a second one would agree is unknown. The viewer had read a few
  lines on an older network's read-out of the clips before.
- Nobody in the clips nods, shakes the head, raises a hand, crosses the arms, leans, fidgets or
  clearly talks. Nods, shakes, leaning and fidgeting rest on rendered people, whose heads are warped
  and whose trunks grow; raised hands, crossed arms and talking on scripted keypoints and jaws.
- Smiles, open mouths, closed eyes, brows, a lowered head and a hand at the face are shown by one or
  two real people each. Leaving that clip out, next to nothing is left to choose by.
- Who stands or sits still in the clips does so for less than the 6 s that it takes to say so.
- Sadness is the only displeased expression, one person shows it, and it may be acted.
- The rendered faces are warped portraits of two people: good for timing, not for how well faces
  are read."""


def networks(timelines: Mapping[str, Timeline]) -> str:
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


def as_they_are(clips: Mapping[str, Sequence[Followed]], kinds: Mapping[str, str]) -> str:
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
    same = "constants as they are (nothing left out)"
    for word, setting in (
        ("Mean", CURRENT),
        ("Mean of logarithms", replace(CURRENT, method="logits")),
    ):
        now = {name: scored(people, setting) for name, people in clips.items()}
        compared.append(_cost_row(f"{word}, {same}", now, kinds))
    head = ["| smoothing | real clips | rendered |", "|---|---|---|"]
    lines += [
        "### Side by side",
        "Sum of the costs on what was left out. Chosen all at once, four constants follow single "
        "events, and the mean does worst. With the same constants the two means can't be told "
        "apart on these timelines. The mean of probabilities was kept for a reason that they don't "
        "hold: where a network says 0.99 of a wrong frame, a logarithm makes it outweigh a second "
        "of others.",
    ]
    table = "\n".join([*head, *compared])
    return "\n\n".join([*lines, table, "### One constant at a time", _one_by_one(clips, kinds)])


def _one_by_one(clips: Mapping[str, Sequence[Followed]], kinds: Mapping[str, str]) -> str:
    """Each constant of the mean chosen leaving one out, the others as they are."""
    rows = []
    for name, settings in one_constant().items():
        chosen = leave_one_out(clips, costs(clips, settings), _ordered(kinds))
        values = [getattr(one.setting, name) for one in chosen]
        row = _cost_row(name, {one.left_out: one.score for one in chosen}, kinds)
        tried = ", ".join(f"{getattr(one, name):g}" for one in settings)
        said = ", ".join(f"{value:g} ({values.count(value)})" for value in dict.fromkeys(values))
        rows.append(f"{row} {tried} | {said} |")
    return "\n".join(
        [
            "Of the mean, each constant alone, the others as they are: with so few events a choice "
            "among 88 settings follows single ones; one among five can be trusted more. In "
            "brackets how many times a value was chosen.",
            "",
            "| constant | real clips | rendered | tried | chosen |",
            "|---|---|---|---|---|",
            *rows,
        ]
    )


def _left_out_table(chosen: Sequence[Chosen], kinds: Mapping[str, str]) -> str:
    rows = [f"| {one.left_out} | {one.setting} | {_figures(one.score)} |" for one in chosen]
    for kind, word in _KINDS.items():
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
    return "\n".join(
        [
            "With the rules of `aggregator/actions/catalogue.py`. *Told*: share of the labelled "
            "time in which the read-out says that the action can be told; *untold*: events in "
            "whose time it never could. A delay is until the action is shown, which is later than "
            "the begin that it is dated to. False is also what goes on for "
            f"{judged.TOO_LATE_S:g} s against the labels.",
            "",
            "| action | kind | labelled events | untold | missed | false | flips a minute | "
            "delay, s (median, worst) | told | agreement |",
            "|---|---|---|---|---|---|---|---|---|---|",
            *action_rows(clips, kinds),
            "",
            "### Actions chosen leaving one timeline out",
            "",
            _actions_left_out(scores, clips, kinds),
            "",
            "### Blinks",
            "",
            _blinks(clips, kinds),
        ]
    )


def action_rows(clips: Mapping[str, Sequence[Followed]], kinds: Mapping[str, str]) -> list[str]:
    """What the rules as they are do, a row for each action and kind of timeline."""
    told = {name: [(one, judged.said(one)) for one in people] for name, people in clips.items()}
    rows = []
    for action in ACTIONS:
        for kind, word in _KINDS.items():
            total = judged.summed(
                judged.score(one.times, what[action], judged.labelled(one.truth, action, one.times))
                for name in clips
                if kinds[name] == kind
                for one, what in told[name]
            )
            if total.judged_s > 0 and (total.events or total.scored_s > 0):
                rows.append(f"| {action} | {word} | {_acted(total)} |")
    return rows


def _actions_left_out(
    scores: Mapping[str, Sequence[Mapping[str, judged.ActionScore]]],
    clips: Mapping[str, Sequence[Followed]],
    kinds: Mapping[str, str],
) -> str:
    """What rules chosen on the others do on the timeline left out, and what is chosen on all."""
    rows, rules, never = [], [], []
    for action in ACTIONS:
        by_rule = scores[action]
        now = by_rule[0]
        if not any(one.events > one.untold for one in now.values()):
            never.append(action)
            continue
        shown = [name for name in _ordered(kinds) if now[name].scored_s > 0]
        chosen = judged.leave_one_out(action, by_rule, shown)
        for kind, word in _KINDS.items():
            rows += _left_out_row(action, word, [c for c in chosen if kinds[c.left_out] == kind])
        rules.append(_rule_row(action, by_rule, list(clips), chosen))
    return "\n".join(
        [
            "As for expressions: of every rule in a grid around the one that was set by reason "
            "(thresholds × 0.4 to 2, holding times and time constant × 0.5 to 2; not what an "
            "action means, such as closed for longer than a blink) the one with the lowest cost on "
            "all other timelines, shown on the one left out. A delay counts a third of what it "
            f"lasts, so that one of {judged.TOO_LATE_S:g} s is as bad as a miss. Among equals the "
            "nearest to the rule by reason was taken. *Cost*: sum over the timelines left out.",
            "",
            "| action | left out | timelines | events | missed | false | flips a minute | "
            "delay, s (median, worst) | cost | cost by reason |",
            "|---|---|---|---|---|---|---|---|---|---|",
            *rows,
            "",
            "A rule was changed where what was chosen cost at least "
            f"{judged.WORTH:g} less than the rule by reason on the real clips, or on the rendered "
            "timelines, left out, and on no real clip more; then the one chosen on everything was "
            "taken. *Equal*: rules of the grid that cost no more on everything. Where that is most "
            "of them, the timelines say nothing of the rule.",
            "",
            "| action | by reason | on everything | equal | chosen without each | now |",
            "|---|---|---|---|---|---|",
            *rules,
            "",
            f"Not chosen from any timeline, since none shows it while it can be told: "
            f"{', '.join(never)}. These rest on scripted keypoints and jaws "
            "(`tests/aggregator/actions`); above stands only whether they were said where the "
            "labels say no.",
        ]
    )


def _left_out_row(action: str, word: str, chosen: Sequence[judged.Chosen]) -> list[str]:
    if not chosen:
        return []
    total = judged.summed(one.score for one in chosen)
    cost, before = (sum(getattr(one, of).cost for one in chosen) for of in ("score", "before"))
    return [
        f"| {action} | {word} | {len(chosen)} | {total.events} | {total.missed} | {total.false} | "
        f"{total.flips_per_min:.1f} | {_delays(total)} | {cost:.2f} | {before:.2f} |"
    ]


def _rule_row(
    action: str,
    by_rule: Sequence[Mapping[str, judged.ActionScore]],
    names: Sequence[str],
    chosen: Sequence[judged.Chosen],
) -> str:
    index, equal = judged.best(by_rule, names)
    grid, before = judged.grid(action), judged.by_reason(action)

    def word(rule: Rule) -> str:
        return "by reason" if rule == before else _rule(rule)

    others = "; ".join(dict.fromkeys(word(one.rule) for one in chosen))
    return (
        f"| {action} | {_rule(before)} | {word(grid[index])} | {equal} of {len(grid)} | {others} | "
        f"{word(RULES[action])} |"
    )


def _rule(rule: Rule) -> str:
    return (
        f"{rule.enter:.3g} / {rule.leave:.3g}, τ {rule.tau_s:.2g}, "
        f"{rule.hold_on_s:.2g} / {rule.hold_off_s:.2g} s"
    )


def _blinks(clips: Mapping[str, Sequence[Followed]], kinds: Mapping[str, str]) -> str:
    rows = []
    for name in _ordered(kinds):
        pairs = [judged.blinks(one) for one in clips[name] if one.times]
        labelled, counted = (sum(pair[i] for pair in pairs) for i in (0, 1))
        if labelled or counted:
            rows.append(f"| {name} | {_KINDS[kinds[name]]} | {labelled} | {counted} |")
    return "\n".join(
        [
            "Closures of less than half a second, labelled and counted. The demo room's blinks "
            "(0.22 s) move a lid that its portraits don't have: to the mesh they hardly close.",
            "",
            "| timeline | kind | labelled | counted |",
            "|---|---|---|---|",
            *rows,
        ]
    )


def _looks(clips: Mapping[str, Sequence[Followed]], kinds: Mapping[str, str]) -> str:
    people = {
        name: [looking.shown(one) for one in all_ if one.times] for name, all_ in clips.items()
    }
    chosen = []
    for constant in looking.ALONE:
        found = looking.leave_one_out(people, constant, _ordered(kinds))
        values = [one.value for one in found]
        row = _cost_row(constant, {one.left_out: one.score for one in found}, kinds)
        tried = ", ".join(f"{value:g}" for value in looking.ALONE[constant])
        said = ", ".join(f"{value:g} ({values.count(value)})" for value in dict.fromkeys(values))
        chosen.append(f"{row} {tried} | {said} | {getattr(looks, constant):g} |")
    as_is = {name: looking.scored(shown) for name, shown in people.items()}
    return "\n".join(
        [
            "Nobody labelled looks: where expression and actions are labelled for sure, the rules "
            "are applied to the labels, and the read-out is held to what comes of it. That judges "
            "delays, flicker, and what expression and actions get wrong; not the rules. Who is "
            "turned so far away that no face is found isn't judged. Of walking_past_no_faces "
            "what is left are short moments in which a detector takes the back of a head, or a "
            "profile, for a face.",
            "",
            "| timelines | scored, s | changes | flips a minute | first, s | "
            "change, s (median, worst) | missed | false | agreement |",
            "|---|---|---|---|---|---|---|---|---|",
            *looks_rows(as_is, kinds),
            "",
            "The waiting times of `aggregator/looks.py`, s, each chosen leaving one timeline out, "
            "the others as they are; cost as for expressions, summed over what was left out. None "
            "was changed: no choice did better there than what it is.",
            "",
            "| constant | real clips | rendered | tried | chosen (how many times) | as it is |",
            "|---|---|---|---|---|---|",
            _cost_row("as they are (nothing left out)", as_is, kinds) + " | | |",
            *chosen,
        ]
    )


def looks_rows(scores: Mapping[str, Score], kinds: Mapping[str, str]) -> list[str]:
    """A row for each kind of timeline, and one for each that has a look missed or false."""
    rows = []
    for kind, word in _KINDS.items():
        total = together(one for name, one in scores.items() if kinds[name] == kind)
        rows.append(f"| all {word} | {total.scored_s:.1f} | {total.changes} | {_figures(total)} |")
        rows += [
            f"| {name} | {one.scored_s:.1f} | {one.changes} | {_figures(one)} |"
            for name, one in scores.items()
            if kinds[name] == kind and (one.missed or one.false)
        ]
    return rows


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


def curves(person: Followed) -> list[Curve]:
    """The smoothed values of :data:`DRAWN` actions beside thresholds, labels and read-out."""
    state = acting.begin(person.times[0])
    levels: dict[str, list[float | None]] = {action: [] for action in DRAWN}
    for at_s, sight in zip(person.times, person.sights, strict=True):
        acting.step(state, sight, at_s)
        for action, found in levels.items():
            switch = state.switches[ACTIONS.index(action)]
            found.append(None if switch.seen_s is None else switch.level)
    told = judged.said(person)
    return [
        Curve(
            action,
            CATALOGUE[action].unit,
            (RULES[action].enter, RULES[action].leave),
            person.times,
            levels[action],
            [
                Band(one.start_s, one.end_s, "on", one.doubt)
                for one in person.truth.actions
                if one.name == action
            ],
            _bands(person.times, ["on" if value else "" for value in told[action]]),
        )
        for action in DRAWN
    ]


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
    word = _KINDS.get(kind, "")
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
