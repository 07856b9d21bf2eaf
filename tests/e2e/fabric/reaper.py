"""Cleans up after a run that died: waits for the end of its pipe, then removes
the run's namespaces, whatever lives in them, its directory and its lock file.

Started by net.Lab as `python3 -m fabric.reaper PREFIX DIR LOCK`, in a session of
its own so that Ctrl-C and a kill of the run's process group do not reach it.
"""

import contextlib
import os
import signal
import sys

from .net import namespaces, remove_directory, remove_namespaces


def main():
    prefix, directory, lock = sys.argv[1:4]
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, signal.SIG_IGN)
    sys.stdin.read()
    remove_namespaces(namespaces(prefix))
    if not os.environ.get("WEFT_KEEP_LOGS"):
        remove_directory(directory)
    with contextlib.suppress(OSError):
        os.unlink(lock)


if __name__ == "__main__":
    main()
