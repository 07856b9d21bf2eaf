"""The scenarios: what the generator and the daemon are told, and which figures count.

A Scenario is a row of TABLE. Its figures are taken from the generator's RESULT by key,
from times of its events, or from what the daemon used (USED): CPU until the last pause,
memory then. The targets are in targets.py.
"""

import dataclasses

import adapters
import ground

USED = ("cpu_s", "peak", "private", "pss", "anon")


@dataclasses.dataclass(frozen=True)
class Figure:
    """A column: a value of that key times scale. more: greater is better."""
    key: str
    label: str
    unit: str
    scale: float = 1
    more: bool = False
    digits: int = 2


TIME = Figure("seconds_complete", "time", "s")
CPU = Figure("cpu_s", "CPU", "s")
PEAK = Figure("peak", "peak", "MB", 1 / 1024, digits=1)
PRIVATE = Figure("private", "private", "MB", 1 / 1024, digits=1)
PSS = Figure("pss", "PSS", "MB", 1 / 1024, digits=1)
ANON = Figure("anon", "anonymous", "MB", 1 / 1024, digits=1)
GONE = Figure("seconds_gone", "withdrawn", "s")
MOVED = Figure("seconds_moved", "traffic moved", "ms", 1000)
UNUSED = Figure("seconds_unused", "unused", "ms", 1000)
SETTLED = Figure("seconds_settled", "settled", "ms", 1000)
UP = Figure("seconds_up", "sessions up", "ms", 1000, digits=1)
OWN = Figure("seconds_own", "own prefix told", "ms", 1000, digits=1)
IN_KERNEL = Figure("seconds_kernel", "in the kernel", "ms", 1000, digits=1)
THERE = Figure("us_there_median", "there", "us", digits=0)
THERE_99 = Figure("us_there_99", "there, 99 %", "us", digits=0)
AWAY = Figure("us_gone_median", "gone", "us", digits=0)
AWAY_99 = Figure("us_gone_99", "gone, 99 %", "us", digits=0)
MEMORY = (CPU, PEAK, PRIVATE, PSS, ANON)


@dataclasses.dataclass(frozen=True)
class Scenario:
    """One row.

    load: the generator's scenario; keys: its --key=value. peers: how many it plays.
    setup: fields of adapters.Plan. ibgp: the peers are of the daemon's AS. v6: sessions
    run over IPv6. figures: columns before those of CPU and memory. go_at: name of the
    pause at which the daemon is started; without one it starts first. deadline_s: for
    the whole cell. floor: words for the program that finds the kernel's own limit.
    since_go: {key: event}, for seconds from the daemon's start to an event. mrt: it needs
    a real table. usual: run when no scenario is named.
    """
    name: str
    title: str
    load: str
    peers: int
    keys: dict = dataclasses.field(default_factory=dict)
    setup: dict = dataclasses.field(default_factory=dict)
    figures: tuple = (TIME,)
    ibgp: bool = False
    v6: bool = False
    go_at: str = ""
    since_go: dict = dataclasses.field(default_factory=dict)
    deadline_s: int = 300
    floor: tuple = ()
    mrt: bool = False
    usual: bool = True

    @property
    def kernel(self):
        return self.setup.get("kernel", False)

    def columns(self):
        return (*self.figures, *MEMORY)

    def plan(self):
        asn = adapters.Plan.asn
        peers = [adapters.Peer(ground.peer_address(i, self.v6), asn if self.ibgp else asn + 1 + i)
                 for i in range(self.peers)]
        families = ("ipv6",) if self.v6 else ("ipv4",)
        return adapters.Plan(peers, **{"families": families, **self.setup})

    def words(self, d_netns, daemon):
        """The generator's command line; daemon: what it must know of that one's habits."""
        keys = {"peers": self.peers, **self.keys, **HABITS.get(daemon, {})}
        words = [self.load, *(f"--{k}={v}" for k, v in keys.items())]
        words += ["--v6"] if self.v6 else []
        words += ["--ibgp"] if self.ibgp else []
        words += [f"--dut-netns={d_netns}"] if self.kernel else []
        return words

    def times(self, events, went):
        """Values that are seconds from the daemon's start to an event."""
        at = {e["event"]: float(e["t"]) for e in reversed(events)}
        return {key: at[name] - went for key, name in self.since_go.items() if name in at}

    def changed(self, **keys):
        """The same with other numbers: peers, and the generator's keys."""
        peers = keys.pop("peers", self.peers)
        return dataclasses.replace(self, peers=peers, keys={**self.keys, **keys})


# What the generator has to know of a daemon, beyond what the standards leave open.
# FRR sends routes back to where they came from when others of that update group get them, too;
# the receiver drops them by their AS path or ORIGINATOR_ID.
HABITS = {"frr": {"own-back": "ok"}}

# Seconds from the daemon's start to events of S6.
STARTED = {"seconds_up": "up", "seconds_own": "own", "seconds_kernel": "kernel"}

TABLE = {s.name: s for s in (
    Scenario("S1", "1,000,000 IPv4 prefixes, 8 per attribute set, from one eBGP peer to another",
             "s1", 2),
    Scenario("S3", "200,000 /24 from one peer into the kernel", "s3", 1,
             setup={"kernel": True}, figures=(TIME, GONE), floor=("--limit=200000",)),
    Scenario("S3-v6", "S3 with IPv6 /64s", "s3", 1, v6=True,
             setup={"kernel": True}, figures=(TIME, GONE), floor=("--limit=200000", "--v6")),
    Scenario("S5", "one of two routers with the same 100,000 routes (ECMP) closes its session",
             "s5", 2, setup={"kernel": True}, figures=(MOVED, UNUSED, SETTLED),
             floor=("--move=100000",)),
    Scenario("S5-v6", "S5 with IPv6 /64s", "s5", 2, v6=True, setup={"kernel": True},
             figures=(MOVED, UNUSED, SETTLED), floor=("--move=100000", "--v6")),
    Scenario("S6", "from the start to sessions, own pod CIDR at both peers, 1,000 routes in the "
             "kernel", "s6", 2, keys={"retry-ms": 1}, go_at="ready", since_go=STARTED,
             setup={"kernel": True, "networks": ("10.244.1.0/24",)}, figures=(UP, OWN, IN_KERNEL)),
    Scenario("S6-dial", "S6 when only the daemon connects", "s6", 2, keys={"dial": "no"},
             go_at="ready", since_go=STARTED, figures=(UP, OWN, IN_KERNEL), setup={
                 "kernel": True, "networks": ("10.244.1.0/24",), "passive": False}),
    Scenario("S8", "full mesh of 1,000 iBGP peers with one IPv4 and one IPv6 prefix each, into the "
             "kernel; time from the last session up", "s8", 1000, keys={"families": "46"}, ibgp=True, figures=(TIME, UP),
             setup={"kernel": True, "families": ("ipv4", "ipv6")}),
    Scenario("S9", "one route announced on an idle node until the kernel has it, 1,000 times",
             "s9", 1, setup={"kernel": True}, figures=(THERE, THERE_99, AWAY, AWAY_99)),
)}
