"""``python -m readroom``."""

from readroom.cli import main

main()
