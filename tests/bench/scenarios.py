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
MEMORY = (CPU, PEAK, PRIVATE, PSS, ANON)


@dataclasses.dataclass(frozen=True)
class Scenario:
    """One row.

    load: the generator's scenario; keys: its --key=value. peers: how many it plays.
    setup: fields of adapters.Plan. ibgp: the peers are of the daemon's AS. v6: sessions
    run over IPv6. figures: columns before those of CPU and memory. go_at: name of the
    pause at which the daemon is started; without one it starts first. deadline_s: for
    the whole cell. since_go: {key: event}, for seconds from the daemon's start to an event.
    floor: measure also what the kernel needs alone. each: CPU from one pause to another,
    by a count of the generator's. mrt: it needs a real table. usual: run when no scenario
    is named.
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
    floor: bool = False
    each: tuple = ()
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

    def derived(self, values, usage):
        """Values made of the generator's and of what the daemon had used at pauses."""
        if not self.each:
            return {}
        begin, end, count = self.each
        return {"cpu_each": (usage[end].cpu_s - usage[begin].cpu_s) / values[count]}

    def floor_words(self):
        """The command line of the program that finds the kernel's own limit."""
        return [f"--limit={self.keys['prefixes']}", "--repeat=1", *(["--v6"] if self.v6 else [])]

    def changed(self, **keys):
        """The same with other numbers: peers, and the generator's keys."""
        peers = keys.pop("peers", self.peers)
        return dataclasses.replace(self, peers=peers, keys={**self.keys, **keys})


# What the generator has to know of a daemon, beyond what the standards leave open.
# FRR sends routes back to where they came from when others of that update group get them, too;
# the receiver drops them by their AS path or ORIGINATOR_ID. It gives routes without a MED one of 0.
HABITS = {"frr": {"own-back": "ok", "med": "zero"}}

EVENTS = Figure("events_per_s", "rate", "events/s", more=True, digits=0)
EACH = Figure("cpu_each", "CPU each", "us", 1e6)
REDUNDANT = Figure("redundant", "redundant", "updates", digits=0)
UP = Figure("seconds_up", "sessions up", "s")
REFLECTED = Figure("seconds_complete", "reflected", "s")
# Connections that wait to be accepted at a time: BIRD has a backlog of 8, and a SYN that is lost
# there comes again after a second.
PATIENT = {"dialing": 8}
REFLECTOR = {"reflector": True}
KERNEL = {"kernel": True}

TABLE = {s.name: s for s in (
    Scenario("S1", "1,000,000 IPv4 prefixes, 8 per attribute set, from one eBGP peer to another",
             "s1", 2, {"prefixes": 1_000_000}),
    Scenario("S2", "20 eBGP senders, the same 100,000 prefixes by different paths, one receiver",
             "s2", 21, {"prefixes": 100_000}, figures=(TIME, REDUNDANT)),
    Scenario("S3", "200,000 IPv4 /24 from one peer into the kernel",
             "s3", 1, {"prefixes": 200_000}, KERNEL, floor=True),
    Scenario("S4", "a reflector and 300 iBGP clients with 4 prefixes each, all to all",
             "s4", 300, PATIENT, setup=REFLECTOR, figures=(UP, REFLECTED), ibgp=True),
    Scenario("S4k", "a reflector and 1,000 iBGP clients with 4 prefixes each, all to all",
             "s4", 1000, PATIENT, setup=REFLECTOR, figures=(UP, REFLECTED), ibgp=True),
    Scenario("S7", "churn: 10,000 of 100,000 prefixes withdrawn and announced again, on and on",
             "s7", 2, {"prefixes": 100_000, "change": 10_000}, figures=(EVENTS, EACH),
             each=("loaded", "complete", "events")),
    Scenario("S8", "a node in a mesh of 1,000 iBGP peers, one IPv4 and one IPv6 prefix each, "
             "into the kernel", "s8", 1000, PATIENT, setup={**KERNEL, "families": adapters.FAMILIES},
             figures=(UP, TIME), ibgp=True),
    Scenario("S9", "wire to kernel: one route on an idle node, 1,000 times",
             "s9", 1, {"rounds": 1000}, KERNEL, figures=(
                 Figure("there_median", "median", "us", 1, digits=0),
                 Figure("there_p99", "99 %", "us", 1, digits=0))),
)}
