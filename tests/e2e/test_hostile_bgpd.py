"""A program in weft-bgpd's place that means harm.

weft-bgpd reads what strangers send, so it may be taken over: tests/e2e/hostile_bgpd.c
speaks the messages between it and the agent in its place. Whatever it says or does not
read, no forbidden route gets into the kernel, and the agent lives, answers, and stays
small.
"""

import contextlib
import os
import shutil
import time

import pytest

from fabric.topo import PEER_AS, PERMIT, PODS, WEFT_AS, timers, wire
from fabric.wait import No, holds_for, wait_until
from fabric.weft import BUILD, Weft, config, peer

pytestmark = pytest.mark.patient
SANITIZED = os.environ.get("WEFT_SANITIZED") == "1"
SMALL = 64 << 20        # octets that the agent may have at most
LARGE = 256 << 20       # with as many routes as it keeps, or nearly so
NEAR, OWN = "10.9.1.2", "10.9.1.1"


class HostileWeft(Weft):
    """weftd with a folder of its own, where weft-bgpd is another program."""

    def start(self, deadline_s=10, wait=True):
        self.write_config()
        self.proc = self.ns.spawn(f"{BUILD}/weftd", "--config", self.file, "--run-dir",
                                  self.run_dir, "--libexec", f"{self.ns.dir}/libexec",
                                  log="weftd.log")
        if wait:
            wait_until(self.answers, deadline_s, "weft answers")
        return self


class Siege:
    """One node whose bgpd is hostile, with a route of somebody else's and a peer."""

    def __init__(self, lab, mode, *args, **kernel):
        self.w, self.p = lab.ns("weft"), lab.ns("peer")
        mine, self.other = wire(lab, self.w, "eth0", self.p, "eth0", 1)
        self.w.ip("route", "add", "172.31.0.0/24", "via", NEAR, "proto", "static")
        self.folder = f"{self.w.dir}/libexec"
        os.makedirs(self.folder)
        for program in ("weft-agent", "weft-bfdd"):
            shutil.copy(f"{BUILD}/{program}", self.folder)
        shutil.copy(f"{BUILD}/tests/e2e/hostile_bgpd", f"{self.folder}/weft-bgpd")
        with open(f"{self.folder}/mode", "w") as f:
            f.write(" ".join([mode, *args]) + "\n")
        self.weft = HostileWeft(self.w, config(
            "weft", WEFT_AS, mine,
            [peer("tor", NEAR, PEER_AS, timers=timers()), peer("nobody", "10.9.1.99", PEER_AS)],
            PODS, PERMIT, uplinks=["eth0"], kernel={"protect": ["default", "nodeIP", "bgpNextHops", "172.31.0.9"],
                                  **kernel},
            ops={"log": {"level": "warn"}})).start()
        self.pid = self.weft.pid("weft-agent")
        self.fds = self.count_fds()

    def memory(self):
        """The most octets that the agent has ever had."""
        with open(f"/proc/{self.pid}/status") as f:
            return int(next(line for line in f if line.startswith("VmHWM")).split()[1]) * 1024

    def count_fds(self):
        """But for settings, which stay open from when they are first looked at."""
        count = 0
        for fd in os.listdir(f"/proc/{self.pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                count += not os.readlink(f"/proc/{self.pid}/fd/{fd}").startswith("/proc/sys/")
        return count

    def learned(self):
        """What of ours is in the kernel beside the node's own blocks and discard routes."""
        return sorted(r["dst"] for f in (4, 6) for r in self.weft.kernel_routes(f)
                      if r.get("type", "unicast") == "unicast")

    def check(self, most=SMALL):
        """What must hold after everything; returns how large the agent has been, in words."""
        assert self.weft.pid("weft-agent") == self.pid, f"the agent ended:\n{self.weft.text()[-2000:]}"
        began = time.monotonic()
        assert self.weft.answers()
        assert time.monotonic() - began < 5
        assert self.w.routes("172.31.0.0/24", "proto", "static"), "a foreign route is gone"
        wait_until(lambda: self.count_fds() <= self.fds + 4 or No(self.count_fds()), 5,
                   f"descriptors are back at {self.fds}")
        had = self.memory()
        if not SANITIZED:
            assert had < most, f"the agent had {had >> 20} MiB"
        return f"the agent had at most {had >> 20} MiB"

    def restarts(self):
        return self.weft.status()["bgpd"]["restarts"]

    def heal(self):
        """The real one in its place: everything works again."""
        real = f"{self.folder}/real"
        shutil.copy(f"{BUILD}/weft-bgpd", real)
        os.rename(real, f"{self.folder}/weft-bgpd")


FORBIDDEN = [                           # next hop, prefix, verdict (and refusal)
    (NEAR, "172.16.1.0/24", "installed 0"),
    (NEAR, "0.0.0.0/0", "refused"),
    ("fd09:1::2", "::/0", "refused"),
    (NEAR, "8.8.8.0/24", "refused"),            # outside kernel.permit
    (NEAR, "10.244.1.0/24", "shadowed"),        # the node's own pod CIDR
    (NEAR, "10.244.1.7/32", "shadowed"),        # and inside of it
    (NEAR, "10.9.1.1/32", "refused"),           # an address of the node
    (NEAR, "10.9.1.2/32", "refused"),           # a peer
    (NEAR, "172.31.0.9/32", "refused"),         # protected
    (NEAR, "172.31.0.0/24", "refused"),         # the same, as long as the route that serves it
    (NEAR, "127.0.0.0/8", "refused"),
    (NEAR, "224.0.0.0/4", "refused"),
    (OWN, "172.16.2.0/24", "held"),             # by way of ourselves
    ("172.16.3.1", "172.16.3.0/24", "held"),    # by way of itself
    ("203.0.113.1", "172.16.4.0/24", "held"),   # by way of nowhere
    (NEAR, "fd20:1::/64", "refused"),           # IPv6 over an IPv4 next hop
]


def test_forbidden_routes(lab):
    """None of these routes gets into the kernel; the one that is allowed does."""
    s = Siege(lab, "forbidden", *[w for nh, prefix, _ in FORBIDDEN for w in (nh, prefix)])
    for _, prefix, verdict in FORBIDDEN:
        wait_until(lambda: f"verdict {prefix} {verdict}" in s.weft.text() or No(s.weft.text()[-500:]),
                   5, f"{prefix} is {verdict}")
    holds_for(lambda: s.learned() == ["172.16.1.0/24"] or No(s.learned()), 0.3,
              "nothing else is in the kernel")
    s.check()


def test_prefixes_without_end(lab, figure):
    """More prefixes than kernel.maxRoutes: the limit holds, and the agent stays small."""
    s = Siege(lab, "prefixes", NEAR, maxRoutes=100)
    wait_until(lambda: "asked for" in s.weft.text(), 30, "the flood is over")
    wait_until(lambda: len(s.learned()) == 100 or No(len(s.learned())), 10, "100 are installed")
    asked = int(s.weft.text().split("asked for ")[1].split()[0])
    assert s.weft.status()["fib"]["refused"] >= min(asked, 1 << 20) - 100
    figure(f"{asked} prefixes asked for; {s.check(LARGE)}")


@pytest.mark.slice
@pytest.mark.parametrize("mode", ["talkative", "deaf"])
def test_flood(lab, figure, mode):
    """Every kind of message as fast as it goes, answers read or not."""
    s = Siege(lab, mode)
    wait_until(lambda: "said " in s.weft.text() or s.restarts(), 30, "the flood is over")
    assert len(s.weft.text()) < 24 << 20, "the log grew without bound"
    assert len(s.weft.events()) <= 1000
    found = s.weft.peers()["eth0"]["address"] or "fe80::%eth0"
    assert found.startswith("fe80::") and found.endswith("%eth0"), f"a neighbour elsewhere: {found}"
    said = s.weft.text().split("said ")[-1].split()[0] if "said " in s.weft.text() else "many"
    figure(f"{mode}: {said} messages; {s.check()}")


@pytest.mark.slice
@pytest.mark.parametrize("mode", ["sets", "garbage"])
def test_broken(lab, figure, mode):
    """Sets without end, or octets at random: it is killed and started again, and healed."""
    s = Siege(lab, mode)
    wait_until(lambda: s.restarts() >= 1, 30, "it is started again")
    s.heal()
    lost = wait_until(lambda: [e for e in s.weft.events() if e["event"] == "bgpd-lost"], 2, "an event")

    def works():                # it dials, is refused, and waits in Idle for most of the time
        tor = s.weft.peer("tor")
        return "connection refused" in (tor["reason"] or "") or No({**tor, "bgpd": s.weft.status()["bgpd"]})
    wait_until(works, 60, "a real one works")
    figure(f"{mode}: {lost[0]['text']}; {s.check(LARGE)}")


def test_closed_channels(lab):
    """One that closes its channels and goes on running is killed."""
    s = Siege(lab, "closing")
    wait_until(lambda: s.restarts() >= 1, 5, "it is started again")
    s.heal()
    wait_until(lambda: "nothing listens" in s.weft.peer("tor")["reason"], 15, "a real one has tried")
    s.check()


def test_never_answers(lab):
    """One that reads and says nothing: the agent answers without it, and stops in order."""
    s = Siege(lab, "silent")
    for _ in range(3):
        s.weft.weft("reload")
    assert s.weft.fib() is not None
    s.check()
    assert s.weft.stop(deadline_s=20) == 0
    assert not s.learned()
