"""A box that does what its first argument says: run as a process by test_box.py."""

from __future__ import annotations

import os
import sys
import time

import redis

from readroom import box as box_module
from readroom.box import Box, run_box
from readroom.errors import BadSettings, ReadroomError
from readroom.settings import load_settings


def loop(box: Box) -> None:
    box.set_ready(True)
    while not box.wait(0.02):
        pass


def deaf(box: Box) -> None:
    """Hears the signal and goes on all the same."""
    box.alive()
    while not box.stopping.wait(0.02):
        pass
    print("stopping", flush=True)
    while True:
        time.sleep(0.02)


def load(box: Box) -> None:
    """Is still loading its networks, deaf to everything."""
    time.sleep(60)


def fail(box: Box) -> None:
    raise ReadroomError("the camera rtsp://u:hunter2horse@cam is gone: plug it in")


def refuse(box: Box) -> None:
    raise BadSettings("room='': name it")


def lose_redis(box: Box) -> None:
    raise redis.ConnectionError("redis://:hunter2horse@host")


def break_down(box: Box) -> None:
    raise ValueError("rtsp://u:hunter2horse@cam")


ACTS = {act.__name__: act for act in (loop, deaf, load, fail, refuse, lose_redis, break_down)}


def main(box: Box) -> None:
    print(box.address, os.getpid(), flush=True)
    ACTS[sys.argv[1]](box)


if __name__ == "__main__":
    box_module.ORPHAN_S = 0.1
    settings = load_settings()
    sys.exit(run_box("ingest", "front", settings, main, port=settings.http.box_port))
