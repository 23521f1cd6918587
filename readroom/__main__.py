"""``python -m readroom``, and the command ``readroom``."""

import signal

import setproctitle

_BY_PYTHON = signal.getsignal(signal.SIGINT) is signal.default_int_handler
if _BY_PYTHON:
    # Loading takes a second, in which a Ctrl-C has nothing to clear up, and no traceback to show.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
# Before anything else is loaded: a source given on the command line may hold a password.
setproctitle.setproctitle("readroom")

from readroom.cli import main  # noqa: E402 - see above

if _BY_PYTHON:
    signal.signal(signal.SIGINT, signal.default_int_handler)

if __name__ == "__main__":
    main()
