"""readroom: how the people in a room looked while you spoke, live and afterwards.

The package is the shared contract (settings, messages, streams, the command line); each box of
the system is a top-level folder of the repository and is imported as a subpackage, through a
symbolic link here: ``ingest/`` is ``readroom.ingest`` and so on. docs/design.md says why.
"""

__version__ = "0.1.0"
