"""What each action means, and when it is on: one table.

``docs/semantics/actions.md`` is written from it (``python -m docs.actions_page``). Thresholds hold
for the smoothed value, in the unit given; ``switch`` says how they are used. The clips that sources
name are described in docs/semantics/clips.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from readroom.aggregator.actions.switch import Rule
from readroom.messages import ACTIONS

#: A mouth that is so much wider than at rest reads like this much of the blendshape mouthSmile:
#: the smile of neutral_to_smile widens it by 12 to 17 % by YuNet's landmarks and reads 0.8.
SMILE_PER_WIDENING: Final = 3.75


@dataclass(frozen=True, slots=True)
class Action:
    """One action in words, and its rule. ``needs`` names engines and what they have to see."""

    rule: Rule
    unit: str
    meaning: str
    needs: str
    formula: str
    source: str
    limits: str


_MESH: Final = "`mesh`: a readable face turned by at most 40°"
_YAW: Final = "`face`: a face of 16 px or more"
_PITCH: Final = "`face` and `pose`: a face of 24 px or more, nose and eyes seen by both"
_NOD: Final = "`face` and `pose`: a face of 32 px or more, both 6 times a second or more"
_SHAKE: Final = "`face`: a face of 32 px or more, 6 times a second or more"
_LEAN: Final = "`face` and `pose`: face turned by at most 30°, shoulders seen, both for 10 s before"

_TABLE: Final[dict[str, Action]] = {
    "smiling": Action(
        Rule(0.45, 0.30, 0.15, 0.4, 0.4),
        "0..1",
        "The corners of the mouth are drawn up and apart. Nothing is said of why.",
        f"{_MESH}; without it `face` with landmarks, 48 px, turned by at most 30°, for 10 s before",
        "mean of mouthSmileLeft and mouthSmileRight. Without a mesh: (mouth width ÷ eye distance, "
        "over the person's own at rest, − 1) × 3.75, which can confirm a smile but not deny one",
        "clips: neutral faces read 0 to 0.15, smiles 0.6 to 0.97. What was chosen leaving a clip "
        "out did worse on it than this, so this was kept. Never from expression probabilities, so "
        "that it may be told where expressions must not be",
        "A face screwed up in crying draws the corners up, too (upset_to_laughing, its first 3 s). "
        "The packaged detector's mouth corners don't follow a smile (its ratio stays .87 to .88), "
        "so that without a mesh it takes YuNet",
    ),
    "brow_lowered": Action(
        Rule(0.25, 0.15, 0.3, 0.5, 0.5),
        "0..1",
        "The brows are drawn down.",
        _MESH,
        "mean of browDownLeft and browDownRight",
        "clips: at rest mostly below 0.1, small faces up to 0.3. Chosen above that; no rule in the "
        "grid finds the one frown of the clips without being false elsewhere",
        "Slight frowns are missed: drawn brows that a viewer sees in upset_to_laughing read 0.02 "
        "to 0.27",
    ),
    "brow_raised": Action(
        Rule(0.40, 0.28, 0.3, 0.5, 0.5),
        "0..1",
        "The brows, or their inner ends, are drawn up.",
        _MESH,
        "the larger of browInnerUp and the mean of browOuterUpLeft and browOuterUpRight",
        "clips: at rest 0 to 0.25. Chosen above that, by reason",
        "A laugh's raised brows read 0.2 to 0.3 and are missed; of two rendered gasps one is "
        "found. Of heads that lean far over or down the mesh guesses raised brows (head_turns, "
        "turns_grace)",
    ),
    "mouth_open": Action(
        Rule(0.09, 0.054, 0.075, 0.15, 0.15),
        "0..1",
        "The jaw is dropped so far that the lips are apart.",
        _MESH,
        "jawOpen",
        "chosen on the timelines: closed mouths and smiles that show teeth read 0 to 0.07, a "
        "laugh's open mouth 0.03 to 0.17. It was 0.15, held for 0.3 s, which no laugh reached",
        "Lips apart over closed teeth aren't an open mouth. Behind a hand, and in most of a laugh "
        "that shows the teeth, it isn't told from a closed one",
    ),
    "talking": Action(
        Rule(3.5, 1.5, 0.3, 0.4, 0.8),
        "half-cycles in 1.5 s",
        "The jaw goes up and down as in speech. Whether there is a voice isn't heard.",
        f"{_MESH}; 7.5 readings a second or more",
        "reversals of jawOpen by 0.05 or more, each within 0.5 s of the one before, in the last "
        "1.5 s (at most 5 are counted)",
        "mouths of people who talk open and close 2 to 7 times a second (Chandrasekaran et al. "
        "2009). 0.05: five times the trembling of closed mouths in the clips. Tested on scripted "
        "jaws only",
        "Quick chewing and laughing look the same. At 10 readings a second not every syllable is "
        "seen, so that the figure isn't a rate of speech",
    ),
    "eyes_closed": Action(
        Rule(0.40, 0.30, 0.1, 0.5, 0.2),
        "0..1",
        "The eyes are closed for longer than a blink.",
        _MESH,
        "(lids − own open lids) ÷ (1 − own open lids); lids: eyeBlinkLeft and eyeBlinkRight, the "
        "nearer eye's more, alone from 20° of yaw on",
        "a blink lasts 0.1 to 0.4 s (Schiffman 2001), so longer than 0.5 s is none. Clips: open "
        "eyes read 0 to 0.3, closed ones 0.4 to 0.9. Rendered lids read 0.2 when closed, which was "
        "not followed: real ones decide",
        "A look down at one's lap reads nearly as closed (0.5)",
    ),
    "facing_front": Action(
        Rule(20.0, 25.0, 0.2, 0.4, 0.4),
        "degrees",
        "The head points to the camera, which is taken to stand at the front.",
        _YAW + "; pitch counts where it is told, as for head_down",
        "the larger of |yaw| and |pitch| (the last one told within 1 s)",
        "two thirds of a change of gaze are done by the head (68.9 %: Stiefelhagen & Zhu 2002): "
        "20° are a look 30° aside. Angles have a mean error of 6° (docs/faces.md), hence 5° of "
        "hysteresis. What was chosen leaving a clip out did worse on real ones, so this was kept",
        "It is the head, not the eyes. A camera far aside or high above shifts everybody. Rendered "
        "heads turned by 24° to 28° read 18° to 21°, so that turns of a few degrees more than the "
        "threshold are missed",
    ),
    "facing_away": Action(
        Rule(30.0, 25.0, 0.2, 0.4, 0.4),
        "degrees",
        "The head is turned aside.",
        _YAW,
        "|yaw|",
        "as facing_front: 30° are a look 45° aside. Between 25° and 30° it is neither",
        "Somebody turned so far that no face is found isn't measured. Of heads that lean over, yaw "
        "is underrated",
    ),
    "nodding": Action(
        Rule(6.0, 4.0, 0.0, 0.0, 0.3),
        "degrees, end to end",
        "The head goes up and down, at least one and a half times.",
        _NOD,
        "mean size of the half-cycles of pitch: at least 3 in a row, each 6° or more, 0.08 to "
        "0.6 s long and half as wide as the widest or more; not jumps between two frames, not "
        "while the head tilts, and wider than a shake at the same time",
        "0.8 to 6 a second holds the 1.8 to 3.7 of heads in conversation (Hadar et al. 1983). 6°: "
        "pitch that trembles by 1° made no nod in 20 minutes at 10 frames a second. Tested on "
        "scripted angles and rendered heads: two of two, said after 1.1 and 3 s (as it ended), and "
        "once where nobody nods, but a body moves to and fro",
        "Slow nods, of one a second, are said late, or not. A single nod isn't told from a look "
        "down. At 10 frames a second up to 2.5 nods a second. "
        "On photographs pitch is told too small (slope .4: docs/faces.md), so that small nods are "
        "missed",
    ),
    "shaking_head": Action(
        Rule(8.0, 5.0, 0.0, 0.0, 0.3),
        "degrees, end to end",
        "The head goes from side to side, at least one and a half times.",
        _SHAKE,
        "as nodding, of yaw, each half-cycle 8° or more, and wider than a nod at the same time",
        "as nodding; wider, since yaw trembles more. Tested on scripted angles and rendered heads: "
        "two of two, said after 1 and 1.4 s, none where nobody shakes the head",
        "as nodding",
    ),
    "head_down": Action(
        Rule(-14.0, -9.8, 0.2, 0.4, 0.25),
        "degrees",
        "The head points down, as over notes or a phone.",
        _PITCH,
        "pitch",
        "notes on a table are 30° to 60° below the horizon, of which the head does two thirds, and "
        "pitch is told too small. Chosen on the timelines: rendered heads 24° to 26° down read "
        "-18° to -23°, people who look ahead 0° to -10°. It was -20°, held for 0.8 s: said 2 s "
        "later",
        "Noses differ, so that pitch is off by some degrees for each person; a camera high above "
        "shifts everybody. A weeping and a laughing head that a viewer calls down read -8° to -13° "
        "(upset_to_laughing), and are missed",
    ),
    "hand_at_face": Action(
        Rule(0.30, 0.60, 0.3, 0.5, 0.5),
        "face widths",
        "A hand is at the face or touches the head.",
        "`face` and `pose`: a wrist seen; for a no both",
        "distance of the nearest wrist or palm from the face's box; the palm lies 0.35 forearms "
        "beyond the wrist",
        "a palm is half a face wide, so 0.3 is contact with the keypoints' error. Tested on "
        "scripted keypoints; in upset_to_laughing a hand is at the face for 7 s, of which "
        "TinyPose's wrists show 4.3",
        "A hand in front of the face, nearer to the camera, looks the same. The packaged pose "
        "network doesn't see that clip's wrists",
    ),
    "arms_crossed": Action(
        Rule(0.10, 0.0, 0.7, 1.0, 1.0),
        "shoulder widths",
        "Both forearms cross in front of the body.",
        "`pose`: shoulders, elbows and wrists seen, shoulders not sideways",
        "how far both wrists lie beyond the body's middle, the less far one, between chest and "
        "waist",
        "folded hands meet at 0; a forearm of crossed arms reaches to the other elbow, 0.2 to 0.4. "
        "Chosen between; tested on scripted keypoints only",
        "Wrists under the other arm are often not seen, and then nothing is said",
    ),
    "hand_raised": Action(
        Rule(0.60, 0.40, 0.3, 0.5, 0.5),
        "shoulder widths",
        "A hand is held up beside or above the head.",
        "`face` and `pose`: shoulders and a wrist seen; for a no both",
        "height of the higher wrist above its shoulder; 0 for a hand at the face",
        "eyes are 0.7 to 0.8 shoulder widths above the shoulders: a wrist at the height of the "
        "mouth. Chosen; tested on scripted keypoints only",
        "A wave or a stretch is a raised hand, too",
    ),
    "leaning_in": Action(
        Rule(6.4, 4.0, 0.5, 0.75, 0.5),
        "% larger than usual",
        "The person has come nearer to the camera than usual.",
        _LEAN,
        "change of the face's size and of the shoulder width against the person's own last minute: "
        "the smaller of the two where both agree, else 0",
        "from 2 m, 12 cm nearer are 6.4 %. The clips' sizes scatter by 1 to 2 % (shoulders) and 2 "
        "to 4 % (faces) while people sit still. Chosen on rendered people who lean by 12 and 14 %; "
        "it was 8 %, held for 1.5 s: said twice as late",
        "From 5 m, 6.4 % are 30 cm. Who leans for longer than about a minute sits like that now. A "
        "camera that zooms makes everybody lean",
    ),
    "leaning_out": Action(
        Rule(6.4, 4.0, 0.5, 0.75, 0.5),
        "% smaller than usual",
        "The person has gone further from the camera than usual.",
        _LEAN,
        "as leaning_in, with the sign reversed",
        "as leaning_in",
        "as leaning_in",
    ),
    "still": Action(
        Rule(0.06, 0.09, 0.0, 3.0, 0.5),
        "shoulder widths/s",
        "Nothing of the person moves for some seconds.",
        "`pose`: head and shoulders seen for 3 s before",
        "mean speed over 1.5 s of the fastest of head, shoulders and the wrists that are seen",
        "people who sit still in the clips: 0.02 to 0.06, the keypoints' trembling; somebody who "
        "laughs and tilts her head: 0.05 to 0.14. 0.06 are 2 cm/s. Nothing chosen leaving a clip "
        "out did better on real ones",
        "The least reliable of all: said of somebody who laughs softly, and not of a rendered one "
        "who doesn't move, but whose shoulders the pose network isn't sure of (up to 0.4). It "
        "takes 6 s of stillness. Hands that aren't seen may move",
    ),
    "fidgeting": Action(
        Rule(0.35, 0.25, 0.0, 2.0, 1.0),
        "shoulder widths/s",
        "Head, trunk or hands keep moving for some seconds.",
        "`pose`: head and shoulders seen for 3 s before",
        "as still",
        "0.35 are 12 cm/s, six times what still people have at most. Chosen by reason; of two "
        "rendered people who move to and fro by a third of a face one is found, 4 s late",
        "Walking and gesturing are movement, too. Keypoints that jump are taken for it",
    ),
}  # fmt: skip

CATALOGUE: Final[Mapping[str, Action]] = MappingProxyType({name: _TABLE[name] for name in ACTIONS})
RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {name: action.rule for name, action in CATALOGUE.items()}
)
