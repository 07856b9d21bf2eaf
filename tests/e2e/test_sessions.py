"""Sessions with the five other makers' daemons: who calls, how fast, what is counted."""

import time

import pytest

from fabric import peers
from fabric.topo import PEER_AS, Pair
from fabric.traffic import Capture
from fabric.wait import wait_until

NETS = 5
DAEMONS = sorted(peers.ALL)


def first_syn(capture, source):
    times = [p.time for p in capture.packets() if p.src in source and p.dport == 179]
    return min(times) if times else None


@pytest.mark.slice
@pytest.mark.parametrize("name", DAEMONS)
def test_weft_passive(lab, figure, name):
    """weft waits: Established within 3 s of the daemon's first SYN, routes equal."""
    pair = Pair(lab, peers.ALL[name], peers.networks(1, NETS), passive_weft=True)
    pair.weft.start()
    wire = Capture(pair.w, "eth0", "tcp dst port 179 and tcp[tcpflags] & (tcp-syn|tcp-ack) == "
                   "tcp-syn or ip6 proto 6")
    pair.daemon.start()
    for a in pair.weft_side:
        wait_until(lambda: pair.weft.established(a), 15, f"session with {a}", every_s=0.01)
    up = time.time()
    took = up - wait_until(lambda: first_syn(wire, pair.other), 2, "the SYN was captured")
    pair.wait_counts({"ipv4": NETS, "ipv6": NETS})
    figure(f"Established {took:.2f} s after the daemon's first SYN")
    assert took < 3


@pytest.mark.slice
@pytest.mark.parametrize("name", DAEMONS)
def test_weft_active(lab, figure, name):
    """weft calls a listening daemon: Established within 1 s of weftd's start."""
    pair = Pair(lab, peers.ALL[name], peers.networks(1, NETS), passive_peer=True)
    pair.daemon.start()
    begin = time.monotonic()
    pair.weft.start()
    for a in pair.weft_side:
        wait_until(lambda: pair.weft.established(a), 15, f"session with {a}", every_s=0.01)
    took = time.monotonic() - begin
    pair.wait_counts({"ipv4": NETS, "ipv6": NETS})
    figure(f"Established {took:.2f} s after exec")
    assert took < 1
    shown = pair.weft.peer(pair.weft_side[0])
    assert shown["as"] == PEER_AS and shown["type"] == "ebgp" and shown["reason"] is None


def test_reason_when_nobody_answers(lab):
    """A peer that refuses, and one that is not there: each state has its reason in words."""
    pair = Pair(lab, peers.Bird, [])
    pair.weft.start()
    name = pair.weft_side[0]

    def said():
        p = pair.weft.peer(name)
        assert p["state"] != "Established"
        return p["reason"] and "refused" in p["reason"]
    wait_until(said, 10, "the reason says that the connection was refused")
    assert pair.weft.weft("peers", check=False).returncode == 1
