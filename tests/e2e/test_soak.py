"""Sessions with short hold times stay up while everything else is busy.

20 s of each in a normal run; `make soak` (WEFT_SOAK=1) runs ten minutes.
"""

import os
import struct
import sys
import threading
import time

import pytest

from fabric import bgp
from fabric.peers import Frr, Neighbor
from fabric.topo import PEER_AS, PERMIT, PODS, WEFT_AS, timers, wire
from fabric.wait import wait_until
from fabric.weft import Weft, config, peer

SECONDS = 600 if os.environ.get("WEFT_SOAK") == "1" else 20
ROUTES = 200_000
FRR_AS, FEED_AS = PEER_AS, 65004


def spin(ns, n):
    """n processes that do nothing but use a processor each."""
    return [ns.spawn(sys.executable, "-c", "while True: pass", log=f"spin{i}.out") for i in range(n)]


class Feed(threading.Thread):
    """A peer that announces and withdraws 200,000 routes over and over."""

    def __init__(self, ns, local, remote, weft):
        super().__init__(daemon=True)
        self.conn = bgp.connect(ns, local, remote, timeout=60).establish(FEED_AS, local, hold=180)
        self.weft, self.loads, self.done, self.why = weft, 0, threading.Event(), None
        nets = [f"172.{16 + (i >> 16)}.{i >> 8 & 255}.{i & 255}/32" for i in range(ROUTES)]
        parts = [nets[i:i + 700] for i in range(0, ROUTES, 700)]
        self.there = b"".join(message(bgp.update_body(p, next_hop=local, as_path=[FEED_AS]))
                              for p in parts)
        self.gone = b"".join(message(bgp.update_body(withdrawn=p)) for p in parts)
        self.start()

    def installed(self):
        return self.weft.status()["families"]["ipv4"]["installed"]

    def run(self):
        try:
            while not self.done.is_set():
                self.conn.sock.sendall(self.there)
                wait_until(lambda: self.done.is_set() or self.installed() >= ROUTES, 120,
                           "the routes are in the kernel", every_s=0.2)
                self.loads += not self.done.is_set()
                self.conn.sock.sendall(self.gone)
        except Exception as e:                      # told by the test
            self.why = e


def message(body):
    return b"\xff" * 16 + struct.pack("!HB", 19 + len(body), bgp.UPDATE) + body


@pytest.mark.soak
def test_short_hold_time_under_load(lab, figure):
    """3 s with FRR, 200,000 routes loading again and again, every processor busy: no flap."""
    w, p = lab.ns("weft"), lab.ns("peer")
    mine, other = wire(lab, w, "eth0", p, "eth0", 1)
    p.addr("eth0", "10.9.1.4/24")
    weft = Weft(w, config("weft", WEFT_AS, mine, [
        peer("frr", other[0], FRR_AS, timers=timers(hold="3s", keepalive="1s")),
        peer("feed", "10.9.1.4", FEED_AS, passive=True, timers=timers(hold="180s", keepalive="60s"),
             maxPrefixes={"limit": 2 * ROUTES})], PODS, PERMIT, ops={"log": {"level": "info"}}))
    frr = Frr(p, FRR_AS, other[0], [Neighbor(mine[0], WEFT_AS, other[0], other[1], hold=3)],
              ["172.31.255.0/24"], install=False).start()
    weft.start()
    weft.wait_established("frr")
    feed = Feed(p, "10.9.1.4", mine[0], weft)
    spin(w, os.cpu_count())
    began = time.monotonic()
    wait_until(lambda: time.monotonic() - began >= SECONDS or weft.peer("frr")["flaps"] or feed.why,
               SECONDS + 60, "time passes", every_s=1)
    row = weft.peer("frr")
    flaps = [e for e in weft.events() if e["event"] == "peer-down" and e["peer"] == "frr"]
    feed.done.set()
    assert not feed.why, feed.why
    assert row["state"] == "Established" and not row["flaps"] and not flaps, (row, flaps)
    assert frr.established(mine[0])
    assert feed.loads, "no load was over in time"
    figure(f"{SECONDS} s, {feed.loads} loads of {ROUTES} routes, hold time {row['hold_s']} s: no flap")
