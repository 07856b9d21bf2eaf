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


TIME = Figure("seconds_complete", "time", "s", digits=3)
REDUNDANT = Figure("redundant", "redundant", "updates", digits=0)
GONE = Figure("seconds_gone", "withdrawn", "s")
UP = Figure("seconds_up", "sessions up", "s", digits=3)
REFLECTED = Figure("seconds_complete", "reflected", "s", digits=3)
MOVED = Figure("seconds_moved", "traffic moved", "ms", 1000)
UNUSED = Figure("seconds_unused", "unused", "ms", 1000, digits=1)
SETTLED = Figure("seconds_settled", "settled", "ms", 1000, digits=1)
READY = Figure("seconds_up", "sessions up", "ms", 1000, digits=1)
OWN = Figure("seconds_own", "own prefix told", "ms", 1000, digits=1)
IN_KERNEL = Figure("seconds_kernel", "in the kernel", "ms", 1000, digits=1)
IDLE = Figure("cpu_idle", "idle CPU", "ms a minute", 1000)
EVENTS = Figure("events_per_s", "rate", "events/s", more=True, digits=0)
EACH = Figure("cpu_each", "CPU each", "us", 1e6)
THERE = Figure("us_there_median", "there", "us", digits=0)
THERE_99 = Figure("us_there_99", "there, 99 %", "us", digits=0)
AWAY = Figure("us_gone_median", "gone", "us", digits=0)
AWAY_99 = Figure("us_gone_99", "gone, 99 %", "us", digits=0)
CPU = Figure("cpu_s", "CPU", "s")
PEAK = Figure("peak", "peak", "MB", 1 / 1024, digits=1)
PRIVATE = Figure("private", "private", "MB", 1 / 1024, digits=1)
PSS = Figure("pss", "PSS", "MB", 1 / 1024, digits=1)
ANON = Figure("anon", "anonymous", "MB", 1 / 1024, digits=1)
SAMPLES = Figure("samples", "samples", "each way", digits=0)
MEMORY = (CPU, PEAK, PRIVATE, PSS, ANON)


@dataclasses.dataclass(frozen=True)
class Scenario:
    """One row.

    load: the generator's scenario; keys: its --key=value. peers: how many it plays.
    setup: fields of adapters.Plan. ibgp: the peers are of the daemon's AS. v6: sessions
    run over IPv6. figures: columns before those of CPU and memory; counts: those of which a
    median is enough.
    go_at: name of the pause at which the daemon is started; without one it starts first.
    since_go: {key: event}, for seconds from the daemon's start to an event.
    floor: the figure that the kernel alone has, too, and what bench_kernel is asked for it.
    each: (key, pause, pause, count of the generator's): CPU from one pause to the other,
    by that count; count 0 is minutes. mrt: it needs a real table. mute: only the last
    peer is sent anything. deadline_s: for the generator's work. told: what somebody who runs it
    has changed: it is another task then, and says so.
    """
    name: str
    title: str
    load: str
    peers: int
    keys: dict = dataclasses.field(default_factory=dict)
    setup: dict = dataclasses.field(default_factory=dict)
    figures: tuple = (TIME,)
    counts: tuple = ()
    ibgp: bool = False
    v6: bool = False
    go_at: str = ""
    since_go: dict = dataclasses.field(default_factory=dict)
    floor: tuple = ()
    each: tuple = ()
    mrt: bool = False
    mute: bool = False
    deadline_s: int = 150
    told: dict = dataclasses.field(default_factory=dict)

    @property
    def kernel(self):
        return self.setup.get("kernel", False)

    def columns(self):
        return (*self.figures, *self.counts, *MEMORY)

    def plan(self):
        asn = adapters.Plan.asn
        peers = [adapters.Peer(ground.peer_address(i, self.v6), asn if self.ibgp else asn + 1 + i,
                               mute=self.mute and i + 1 < self.peers) for i in range(self.peers)]
        families = ("ipv6",) if self.v6 else ("ipv4",)
        return adapters.Plan(peers, **{"families": families, **self.setup})

    def words(self, d_netns, daemon):
        """The generator's command line; daemon: what it must know of that one's habits."""
        keys = {"peers": self.peers, "timeout": self.deadline_s, **self.keys,
                **HABITS.get(daemon, {})}
        words = [self.load, *(f"--{k}={v}" for k, v in keys.items())]
        words += ["--v6"] if self.v6 else []
        words += ["--ibgp"] if self.ibgp else []
        words += [f"--dut-netns={d_netns}"] if self.kernel else []
        return words

    def times(self, events, went):
        """Values that are seconds from the daemon's start to an event."""
        at = {e["event"]: float(e["t"]) for e in reversed(events)}
        return {key: at[name] - went for key, name in self.since_go.items() if name in at}

    def derived(self, values, usage):
        """Values made of the generator's and of what the daemon had used at pauses."""
        if not self.each or not usage.keys() >= {*self.each[1:3]}:
            return {}
        key, begin, end, count = self.each
        by = values[count] if count else (usage[end].at - usage[begin].at) / 60
        return {key: (usage[end].cpu_s - usage[begin].cpu_s) / by}

    def floor_words(self):
        """The command line of the program that finds the kernel's own limit."""
        _, option = self.floor
        return [f"--{option}={self.keys['prefixes']}", "--repeat=1", "--listen", *(["--v6"] if self.v6 else [])]

    def changed(self, **keys):
        """The same with other numbers: peers, and the generator's keys."""
        peers = keys.pop("peers", self.peers)
        return dataclasses.replace(self, peers=peers, keys={**self.keys, **keys})

    def told_otherwise(self, **keys):
        """changed(), and the title and the results say it."""
        told = {k: v for k, v in keys.items() if {"peers": self.peers, **self.keys}.get(k) != v}
        if not told:
            return self
        text = ", ".join(f"{k}={v}" for k, v in told.items())
        return dataclasses.replace(self.changed(**keys), told=told,
                                   title=f"{self.title} (changed: {text})")


# FRR sends routes back to where they came from when others of that update group get them, too;
# the receiver drops them by their AS path or ORIGINATOR_ID. It gives routes without a MED one of 0.
# OpenBGPD empties extended communities of types that it does not know; GoBGP makes a link
# bandwidth that is transitive one that is not.
HABITS = {"frr": {"own-back": "ok", "med": "zero"}, "openbgpd": {"ext-comm": "any"},
          "gobgp": {"ext-comm": "any"}}

# Connections that wait to be accepted at a time: BIRD has a backlog of 8, and a SYN that is lost
# there comes again after a second.
PATIENT = {"dialing": 8}
REFLECTOR = {"reflector": True}
KERNEL = {"kernel": True}
BOTH = {"kernel": True, "families": adapters.FAMILIES}
NODE = {"kernel": True, "networks": ("10.244.1.0/24",)}
DIALS = {**NODE, "passive": False}
MILLION = {"prefixes": 1_000_000}
ROUTES = {"prefixes": 200_000}
LIMIT = ("seconds_complete", "limit")
MOVE = ("seconds_unused", "move")
STARTED = {"seconds_up": "up", "seconds_own": "own", "seconds_kernel": "kernel"}
ECMP = (MOVED, UNUSED, SETTLED)

TABLE = {s.name: s for s in (
    Scenario("S1", "1,000,000 IPv4 prefixes, 8 per attribute set, from one eBGP peer to another",
             "s1", 2, MILLION),
    Scenario("S2", "20 eBGP senders, the same 100,000 prefixes by different paths, one receiver",
             "s2", 21, {"prefixes": 100_000}, figures=(TIME, REDUNDANT), mute=True),
    Scenario("S3", "200,000 IPv4 /24 from one peer into the kernel",
             "s3", 1, ROUTES, KERNEL, figures=(TIME, GONE), floor=LIMIT),
    Scenario("S4", "a reflector and 300 iBGP clients with 4 prefixes each, all to all",
             "s4", 300, PATIENT, REFLECTOR, figures=(UP, REFLECTED), ibgp=True),
    Scenario("S4k", "a reflector and 1,000 iBGP clients with 4 prefixes each, all to all",
             "s4", 1000, PATIENT, REFLECTOR, figures=(UP, REFLECTED), ibgp=True),
    Scenario("S5", "one of two routers with the same 100,000 IPv4 routes (ECMP) closes its session",
             "s5", 2, {"prefixes": 100_000}, KERNEL, figures=ECMP, floor=MOVE),
    Scenario("S5-v6", "S5 with IPv6 /64", "s5", 2, {"prefixes": 100_000}, KERNEL, figures=ECMP,
             v6=True, floor=MOVE),
    Scenario("S6", "from exec to sessions up, own pod CIDR at both peers, 1,000 routes in the kernel",
             "s6", 2, {"retry-ms": 1, "seconds": 12}, NODE, figures=(READY, OWN, IN_KERNEL, IDLE),
             go_at="ready", since_go=STARTED, each=("cpu_idle", "idle-begin", "idle-end", 0)),
    Scenario("S6-dial", "S6 when only the daemon connects",
             "s6", 2, {"dial": "no"}, DIALS, figures=(READY, OWN, IN_KERNEL), go_at="ready",
             since_go=STARTED),
    Scenario("S7", "churn: 10,000 of 100,000 prefixes withdrawn and announced again, on and on",
             "s7", 2, {"prefixes": 100_000, "change": 10_000}, figures=(EVENTS, EACH),
             each=("cpu_each", "loaded", "complete", "events")),
    Scenario("S8", "a node in a mesh of 1,000 iBGP peers, one IPv4 and one IPv6 prefix each, into "
             "the kernel; time from the last session up", "s8", 1000, {**PATIENT, "families": "46"}, BOTH,
             figures=(TIME, UP), ibgp=True),
    Scenario("S9", "one route announced on an idle node until the kernel has it, 1,000 times or "
             "for 8 s", "s9", 1, {"rounds": 1000, "seconds": 8}, KERNEL,
             figures=(THERE, THERE_99, AWAY, AWAY_99), counts=(SAMPLES,)),
    Scenario("S10-S1", "S1 with IPv6 /48", "s1", 2, MILLION, v6=True),
    Scenario("S10-S3", "S3 with IPv6 /64", "s3", 1, ROUTES, KERNEL, figures=(TIME, GONE), v6=True,
             floor=LIMIT),
    Scenario("S11", "a real table from one eBGP peer to another", "s11", 2, mrt=True),
)}
