"""What the kernel tells of its routes while a test runs."""

from .wait import wait_until

CANARY = "192.0.2.1/32"

# Of ip itself, which asks for every namespace's number when it begins: one was just being made.
NOT_TOLD = "Error: Peer netns reference is invalid."


def told(proc):
    """Lines that `ip monitor` has printed of what the kernel told."""
    return [x for x in proc.text().splitlines() if x and x != NOT_TOLD]


class Monitor:
    """`ip monitor route nexthop` in a namespace, listening when the constructor returns.

    A route of ours in a table that nobody uses is made and removed before and after:
    what is printed in between is what the kernel told.
    """

    def __init__(self, ns):
        self.ns = ns
        self.proc = ns.spawn("ip", "monitor", "route", "nexthop", log="monitor.out")
        wait_until(lambda: self._canary() and self.proc.text(), 10, "ip monitor prints",
                   every_s=0.05)
        self.seen()

    def _canary(self):
        for verb in ("add", "del"):
            self.ns.ip("route", verb, "blackhole", CANARY, "table", "99")
        return True

    def seen(self):
        """What was printed since the last call, without the canary's lines."""
        at = len(self.proc.text())
        self._canary()

        def printed():
            return self.proc.text()[at:].count(CANARY.split("/")[0]) >= 2
        wait_until(printed, 10, "ip monitor has printed everything")
        text = self.proc.text()
        lines = [x for x in text[getattr(self, "read", 0):].splitlines()
                 if CANARY.split("/")[0] not in x and x != NOT_TOLD]
        self.read = len(text)
        return lines
