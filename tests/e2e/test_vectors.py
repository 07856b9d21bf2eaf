"""Every wire vector of tests/vectors over real sockets against a running weft.

The program that runs them over the core (make check) runs them here, with several
lanes at once. Each lane has a session of its own that observes: it must stay up
through all of them and see exactly the routes that it should.
"""

import os
import re
import time

import pytest

from fabric.topo import timers
from fabric.wait import No, wait_until
from fabric.weft import BUILD, SANITIZER_ENV, TOP, Weft, config, peer

LANES = 8
WEFT_AS, PEER_AS, OUTSIDE_AS, CONFED_ID = 65001, 65002, 65003, 65100
INSIDE = {"routeReflectorClient": True}
OUTSIDE = {"import": "all", "export": "all"}
# tests/vectors/vec.h: enum vec_kind; the role is weft's towards that kind
KINDS = {"observer": (WEFT_AS, {**INSIDE, "nextHopMode": "keep", "extendedNextHop": True}),
         "ebgp": (PEER_AS, OUTSIDE),
         "ibgp": (WEFT_AS, INSIDE),
         "addpath": (PEER_AS, {**OUTSIDE, "addPath": {"receive": True}}),
         "provider": (PEER_AS, {**OUTSIDE, "role": "customer"}),
         "customer": (PEER_AS, {**OUTSIDE, "role": "provider"}),
         "peer": (PEER_AS, {**OUTSIDE, "role": "peer"}),
         "rs-server": (PEER_AS, {**OUTSIDE, "role": "rs-client"}),
         "rs-client": (PEER_AS, {**OUTSIDE, "role": "rs-server"}),
         "strict": (PEER_AS, {**OUTSIDE, "role": "provider", "strictRole": True}),
         "nexthop6": (PEER_AS, {**OUTSIDE, "extendedNextHop": True}),
         "member": (PEER_AS, {}),
         "outside": (OUTSIDE_AS, OUTSIDE)}
OF_CONFED = {"observer": True, "member": True, "outside": True}     # others: without one


def address(kind, lane):
    """10.9.K.L is lane L-1 of kind K-1, as the program has it."""
    return f"10.9.{list(KINDS).index(kind) + 1}.{lane + 1}"


def peers(confed):
    usual = {"passive": True, "timers": timers(hold="90s", keepalive="30s")}
    return [peer(f"{kind}-{lane}", address(kind, lane), asn, **usual, **more)
            for kind, (asn, more) in KINDS.items() for lane in range(LANES)
            if kind == "observer" or OF_CONFED.get(kind, False) == confed]


def memory(pid):
    with open(f"/proc/{pid}/statm") as f:
        return int(f.read().split()[1]) * 4096


class Bench:
    """weft with all the peers that vectors know, and the namespace they live in."""

    def __init__(self, lab, level="info", confed=False):
        self.w, self.p = lab.ns("weft"), lab.ns("peer")
        lab.link(self.w, "eth0", self.p, "eth0", ["10.9.0.1/16", "fd09::1/64"], [])
        self.p.batch([f"addr add {a} dev eth0" for kind in range(1, len(KINDS) + 1)
                      for lane in range(1, LANES + 1)
                      for a in (f"10.9.{kind}.{lane}/16", f"fd09::{kind:x}:{lane:x}/64")])
        more = {"gracefulRestart": {"longLived": "1h"}}
        if confed:
            more["confederation"] = {"identifier": CONFED_ID, "members": [WEFT_AS, PEER_AS]}
        self.words = ["--confed", "yes"] if confed else []
        self.weft = Weft(self.w, config(
            "weft", WEFT_AS, ["10.9.0.1", "fd09::1"], peers(confed),
            ["10.244.7.0/24", "fd00:10:244:7::/64"], ["0.0.0.0/0", "::/0"], bgp=more,
            kernel={"install": False}, ops={"log": {"level": level}})).start()
        self.w.wait_port(179)
        self.pid = self.weft.pid("weft-bgpd")
        self.fds = self.count_fds()

    def count_fds(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def run(self):
        return self.p.run(f"{BUILD}/tests/vectors/vectors", "--socket", str(LANES), *self.words, check=False,
                          env={"srcdir": TOP, **SANITIZER_ENV}, timeout=300)

    def check(self):
        assert self.weft.pid("weft-bgpd") == self.pid, self.weft.text()[-2000:]
        wait_until(lambda: self.count_fds() <= self.fds or No(self.count_fds()), 5,
                   f"descriptors are back at {self.fds}")


@pytest.mark.slice
@pytest.mark.parametrize("confed", [False, True], ids=["plain", "confederation"])
def test_vectors(lab, figure, confed):
    """All of them, twice: the second time with the memory the first one took."""
    b = Bench(lab, confed=confed)
    took, rss = [], []
    for _ in range(2):
        at = time.monotonic()
        p = b.run()
        took.append(time.monotonic() - at)
        rss.append(memory(b.pid))
        assert p.returncode == 0, p.stdout + p.stderr
        b.check()
    ran = int(re.search(r"Checks: (\d+)", p.stdout)[1])
    figure(f"{ran} vectors in {took[0]:.1f} s, bgpd {rss[0] >> 20} MiB, then {rss[1] >> 20} MiB")
    assert took[0] < 60
    assert SANITIZER_ENV or rss[1] < rss[0] + (1 << 20)
