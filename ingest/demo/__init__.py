"""The demo room: people made from two public-domain portraits, following a script."""

from readroom.ingest.demo.room import DemoRoom
from readroom.ingest.demo.script import CAMERAS, VARIANTS, Truth, truth

__all__ = ["CAMERAS", "VARIANTS", "DemoRoom", "Truth", "truth"]
