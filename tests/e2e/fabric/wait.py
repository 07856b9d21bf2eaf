"""Waiting until something holds, with a deadline: the only place that sleeps."""

import time


class No:
    """A false value that says what was seen instead, for wait_until's message."""

    def __init__(self, seen):
        self.seen = seen

    def __bool__(self):
        return False

    def __repr__(self):
        return str(self.seen)


def wait_until(fn, deadline_s, why, every_s=0.02):
    """Call fn until it returns something true, and return that.

    An exception counts as "not yet". After deadline_s seconds: AssertionError
    that names why and the last thing seen (fn's false value or exception).
    """
    end = time.monotonic() + deadline_s
    while True:
        try:
            last = fn()
            if last:
                return last
        except Exception as e:  # any failure of a probe means "not yet"
            last = f"{type(e).__name__}: {e}"
        if time.monotonic() >= end:
            raise AssertionError(f"not within {deadline_s} s: {why}; last seen: {last!r}")
        time.sleep(every_s)


def holds_for(fn, period_s, why, every_s=0.05):
    """Assert that fn stays true for period_s seconds."""
    end = time.monotonic() + period_s
    while time.monotonic() < end:
        got = fn()
        assert got, f"held only for a while: {why}; seen: {got!r}"
        time.sleep(every_s)
