"""The running room, as somebody who asks it for something reaches it."""

from __future__ import annotations

import threading
import time
from typing import Final

from redis.exceptions import RedisError

from readroom import commands
from readroom.errors import BadSettings, ReadroomError
from readroom.messages import Command, Marker, Outcome
from readroom.settings import Settings
from readroom.streams import REDIS_AWAY, Client, Keys, connect

#: Commands that wait for their answer at once; each holds a thread for up to commands.ANSWER_S.
MOST_WAITING: Final = 8


class RunningRoom:
    """Hands commands to the room's aggregator and waits to hear what became of them. Its methods
    block, and may be called from any thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys = Keys(settings.room)
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._waiting = threading.Semaphore(MOST_WAITING)

    def ask(self, message: Command | Marker) -> Outcome | None:
        """What became of it; None where nobody said so in time. Raises ReadroomError where Redis
        or the aggregator isn't there, or too many are waiting already."""
        if not self._waiting.acquire(blocking=False):
            raise ReadroomError("too many commands at once; try again in a moment")
        try:
            client = self._connected()
            commands.require_aggregator(client, self._settings.room, time.time())
            return commands.ask(client, self._keys, message)
        except BadSettings as error:  # This server's, and not of whoever asks it.
            raise ReadroomError(str(error)) from None
        except REDIS_AWAY as error:
            raise ReadroomError(
                f"Redis doesn't answer ({type(error).__name__}); try again when it is back"
            ) from None
        except RedisError as error:
            raise ReadroomError(f"Redis refuses the command ({type(error).__name__})") from None
        finally:
            self._waiting.release()

    def _connected(self) -> Client:
        """One client for all threads: redis-py gives each a connection of its own."""
        with self._lock:
            if self._client is None:
                self._client = connect(self._settings.redis)
            return self._client

    def close(self) -> None:
        """Give the connections back."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None
