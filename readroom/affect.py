"""Valence and arousal: two indices derived from the eight probabilities of an expression network.

No network reads them from a face. Each expression has a place in the plane of valence (unpleasant
to pleasant) and arousal (quiet to excited); the indices are the probabilities' mean place, so they
say nothing that the probabilities don't. They are worth having because two expressions that share
the probability between them, and leave the state "uncertain", often lie close together here.

The places are the mean ratings, on −1..1, of the words that name the expressions in Russell &
Mehrabian: Evidence for a three-factor theory of emotions, Journal of Research in Personality 11
(1977) 273-294, https://doi.org/10.1016/0092-6566(77)90037-X (its pleasure and arousal; their
dominance is left out), as they are widely reproduced: the paper's own table wasn't at hand. Two of
the eight aren't rated there: neutral is the origin by definition; contempt stands half way between
anger and disgust, the two that Plutchik (Emotion: A psychoevolutionary synthesis, 1980) makes it
of. The ratings are of words for feelings, given by students in the USA: what a face *looked* like
is placed with them, not what anybody felt.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from readroom.messages import EXPRESSIONS, UNCERTAIN, Probabilities

#: Valence and arousal of each expression, each −1..1, and the word that was rated.
PLACES: Final = MappingProxyType(
    {
        "neutral": (0.0, 0.0),
        "happiness": (0.81, 0.51),  # happy
        "surprise": (0.40, 0.67),  # surprised
        "sadness": (-0.63, -0.27),  # sad
        "anger": (-0.51, 0.59),  # angry
        "disgust": (-0.60, 0.35),  # disgusted
        "fear": (-0.64, 0.60),  # fearful
        "contempt": (-0.555, 0.47),  # between angry and disgusted
    }
)


def affect(state: str, probabilities: Probabilities | None) -> tuple[float, float] | None:
    """Valence and arousal, each −1..1, of smoothed probabilities that sum to 1.

    None where ``state`` says that the face isn't being read (not in view, too small, no network),
    or nothing has been read lately.
    """
    if probabilities is None or state not in (*EXPRESSIONS, UNCERTAIN):
        return None
    weighted = [
        (p * PLACES[name][0], p * PLACES[name][1])
        for name, p in zip(EXPRESSIONS, probabilities, strict=True)
    ]
    return sum(valence for valence, _ in weighted), sum(arousal for _, arousal in weighted)
