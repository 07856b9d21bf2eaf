"""make bench-survive: S1, S3 and S4k at the same time, on one weft, and no session may drop.

Every session has a hold time of 3 s; four BIRDs on links of their own have BFD with it as
well, 50 ms and three that may be missing. Filters keep the loads apart, so that the
generators' checks hold for each: what S1's sender says goes to S1's receiver only, what
clients say to clients, and S3's to nobody. All of it goes into the kernel as well, 1.2 million
routes: a node that installs passes nothing on that it must not install itself.

In each round the sessions of all three come up and wait for each other, then all send at
once. At the end of a round and for longer than a hold time after the last one, sessions
and BFD are as they were: none was down in between, by weft's counters and by BIRD's.
"""

import dataclasses
import re
import time

import adapters
import cell
import ground
from fabric.wait import No, holds_for, wait_until

HOLD_S, BFD_MS, BIRDS, CLIENTS = 3, 50, 4, 1000
S3_PEER, FIRST_CLIENT = 10, 255         # numbers of the generator's peers: 10.99.1.11, 10.99.2.0
DEADLINE_S = 60
LOADS = {
    "S1": ["s1", "--prefixes=1000000", "--first-prefix=4194304"],
    "S3": ["s3", "--prefixes=200000", f"--first-peer={ground.peer_address(S3_PEER)}",
           f"--first-id={ground.peer_address(S3_PEER)}", f"--peer-as={65001 + S3_PEER}"],
    "S4k": ["s4", f"--peers={CLIENTS}", "--ibgp", "--dialing=8", "--first-prefix=2097152",
            f"--first-peer={ground.peer_address(FIRST_CLIENT)}",
            f"--first-id={ground.peer_address(FIRST_CLIENT)}"],
}
FILTERS = {
    "to-s1": {"export": [{"asPathPrefix": 65001, "source": "peer", "action": "Accept"},
                         {"action": "Reject"}]},
    "to-none": {"export": [{"action": "Reject"}]},
    "to-clients": {"export": [{"source": "peer", "action": "Reject"}]},
}


def bird_addresses(i):
    """Of BIRD i and of weft on their link."""
    return f"10.98.{i}.2", f"10.98.{i}.1"


def peers():
    """{filter: peers} of weft."""
    asn = adapters.Plan.asn
    return {
        "to-s1": [adapters.Peer(ground.peer_address(i), 65001 + i) for i in (0, 1)],
        "to-none": [adapters.Peer(ground.peer_address(S3_PEER), 65001 + S3_PEER),
                    *(adapters.Peer(bird_addresses(i)[0], 64900 + i, bfd=True)
                      for i in range(BIRDS))],
        "to-clients": [adapters.Peer(ground.peer_address(FIRST_CLIENT + i), asn)
                       for i in range(CLIENTS)],
    }


class Node(adapters.Weft):
    """weft with those peers."""

    def __init__(self, ns):
        super().__init__(ns, adapters.Plan([p for found in peers().values() for p in found],
                                           kernel=True, hold=HOLD_S, bfd_ms=BFD_MS))
        c = self.node.config
        c["filters"] = FILTERS
        names = {p.addr: name for name, found in peers().items() for p in found}
        for row in c["peers"]:
            row["filters"] = names[row["peerIP"]]
            row["routeReflectorClient"] = names[row["peerIP"]] == "to-clients"

    def downs(self):
        """{peer: times its session was lost}, of those that are up now; likewise BFD."""
        sessions = {p["address"]: p["established_count"] for p in self.node.json("peers")["peers"]
                    if p["state"] == "Established"}
        bfd = {b["peer"]: b["downs"] for b in self.node.json("bfd")["bfd"] if b["state"] == "Up"}
        return sessions, bfd


class Neighbour(adapters.Bird):
    """A BIRD on a link of its own; it keeps its session and BFD, and says since when.

    It stands for another machine, so it gets a processor when it wants one.
    """

    def script(self):
        return [line.replace("exec ", "exec chrt --fifo 10 ") for line in super().script()]

    def configure(self):
        """As an adapter's, and every change of state goes into a log."""
        super().configure()
        with open(f"{self.dir}/bird.conf") as f:
            text = f.read()
        self.write("bird.conf", f'log "{self.dir}/changes.log" {{ trace }};\n'
                   "debug protocols { states, events };\n" + text)

    def changes(self):
        """What its session and BFD have gone through; No(...) unless both are up.

        From its log: "since" of its command line is worked out anew each time from how long ago
        that was, and varies by a millisecond.
        """
        out = "".join(self.birdc(*words) for words in (("show", "protocols"),
                                                       ("show", "bfd", "sessions")))
        if len(re.findall(r"^(n0 .*Established|\S+ +eth0 +Up)\b", out, re.M)) != 2:
            return No(out)
        with open(f"{self.dir}/changes.log") as f:
            return [line.strip() for line in f if re.search("changed state|State changed", line)]

    def birdc(self, *words):
        return self.ns.run(f"{self.root}/usr/sbin/birdc", "-s", f"{self.dir}/bird.ctl", *words,
                           env=self.env())


def neighbour(lab, node, i):
    """BIRD number i, running."""
    theirs, ours = bird_addresses(i)
    ns = lab.ns(f"bird{i}")
    lab.link(ns, "eth0", node, f"eth{i + 1}", [f"{theirs}/24"], [f"{ours}/24"])
    ground.know(ns, "eth0", node, f"eth{i + 1}", [ours])
    ground.know(node, f"eth{i + 1}", ns, "eth0", [theirs])
    plan = adapters.Plan([adapters.Peer(ours, adapters.Plan.asn, bfd=True)], asn=64900 + i,
                         addr4=theirs, hold=HOLD_S, passive=False, bfd_ms=BFD_MS,
                         networks=(f"10.250.{i}.0/24",))
    bird = Neighbour(ns, plan)
    bird.start().go()
    return bird


@dataclasses.dataclass
class Load:
    """A generator on its way through a round."""
    name: str
    generator: cell.Generator

    def until(self, pause, deadline):
        """Read its lines until that pause."""
        try:
            for line in self.generator.lines(deadline):
                if line.startswith("RESULT "):
                    raise cell.Failed(line)
                if line.startswith("EVENT pause ") and cell.words_of(line)["name"] == pause:
                    return cell.words_of(line)
            raise cell.Failed(self.generator.said() or "ended early")
        except cell.Failed as e:
            raise cell.Failed(f"{self.name}, before {pause}: {e}") from None


def run_round(lab, build, field, say):
    """All three loads once; everything is up when this returns, and they wait at "complete"."""
    deadline = time.monotonic() + DEADLINE_S
    more = [f"--hold={HOLD_S}", f"--timeout={2 * DEADLINE_S}", f"--dut-netns={field.d.full}"]
    loads = [Load(name, cell.Generator(field.g, build, [*words, *more]))
             for name, words in LOADS.items()]
    for load in loads:
        load.until("up", deadline)
    for load in loads:
        load.generator.go_on()
    began = time.monotonic()
    for load in loads:
        at = float(load.until("complete", deadline)["t"])
        say(f"    {load.name}: complete after {at - began:.2f} s")
    return loads


def finish(loads):
    """Let the loads end; their checks passed."""
    deadline = time.monotonic() + DEADLINE_S
    for load in loads:
        load.generator.go_on()
    for load in loads:
        found = [x for x in load.generator.lines(deadline) if x.startswith("RESULT ")]
        if load.generator.popen.wait(cell.END_S) != 0:
            raise cell.Failed(f"{load.name}: {found or load.generator.said()}")


def unchanged(birds, before):
    """AssertionError when a session or BFD of a BIRD is not up, or was down since then."""
    for bird, was in zip(birds, before):
        now = bird.changes()
        assert now and now == was, now[len(was):] if now else now


def judge(node, birds, before, rounds):
    """Nothing was down: AssertionError or what was counted, in words."""
    sessions, bfd = node.downs()
    steady = {bird_addresses(i)[0] for i in range(BIRDS)}
    wanted = {p.addr: 1 if p.addr in steady else rounds for found in peers().values() for p in found}
    assert sessions == wanted, {a: (sessions.get(a), n) for a, n in wanted.items()
                                if sessions.get(a) != n}
    assert bfd == dict.fromkeys(steady, 0), bfd
    unchanged(birds, before)
    return f"{len(sessions)} sessions up and {len(bfd)} with BFD, none was down"


def run(lab, build, rounds, say):
    """The exit status."""
    field = ground.Ground(lab, FIRST_CLIENT + CLIENTS)
    node = Node(field.d)
    birds = [neighbour(lab, field.d, i) for i in range(BIRDS)]
    weft = node.start()
    weft.go()
    say(f"hold time {HOLD_S} s, BFD {BFD_MS} ms x 3 with {BIRDS} BIRDs, {CLIENTS} clients")
    before = [wait_until(b.changes, 20, "BIRD's session and BFD are up") for b in birds]
    wait_until(lambda: len(node.downs()[1]) == BIRDS, 20, "BFD is up at weft, too")
    try:
        for n in range(1, rounds + 1):
            say(f"  round {n}")
            loads = run_round(lab, build, field, say)
            say("    " + judge(node, birds, before, n))
            finish(loads)
        holds_for(lambda: unchanged(birds, before) is None, HOLD_S + 1, "sessions and BFD")
    except cell.LOST as e:
        say(f"FAILED: {e}")
        say("\n".join(x for x in weft.proc.text().splitlines() if " peer-down " in x or "bfd" in x))
        return 1
    say("survived")
    return 0
