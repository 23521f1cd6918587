"""Which stored sessions may be told of at all, where no emotion may be inferred.

Sessions of such a purpose hold none. Those of another purpose, made before, may lie in the same
store: whoever may name no emotion is told nothing of what was read in their faces, by no way.
"""

from __future__ import annotations

from readroom.errors import BadSettings
from readroom.messages import WITHOUT_EMOTION
from readroom.sessions.timelines import StoredSession


class EmotionForbidden(BadSettings):
    """The session may name emotions, and whoever asks may not be told any."""


def check_allowed(session: StoredSession, *, without_emotion: bool) -> None:
    """Raises EmotionForbidden where nothing that was read in this session's faces may be told."""
    if without_emotion and session.purpose not in WITHOUT_EMOTION:
        raise EmotionForbidden(
            f"session={session.name}: it was read for "
            f"{session.purpose or 'no purpose that anybody said'}, and may name emotions, which "
            "here may not be named (EU AI Act, Art. 5(1)(f)); `readroom purpose` says what for"
        )
