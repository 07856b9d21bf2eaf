"""kill -9 and restarts under a 1 kHz ping between pods: nothing is lost."""

import os
import signal

import pytest

from fabric.racks import Fabric
from fabric.traffic import Pinger, ping
from fabric.wait import No, holds_for, wait_until

MARK = ["198.18.1.0/24", "2001:db8:18::/64"]     # announced by the spine, withdrawn meanwhile
PERMIT_MORE = {"kernel": {"permit": ["10.244.0.0/16", "fd00:10:244::/48", "10.0.0.0/24",
                                     "fd00::/112", "192.0.2.0/24", "2001:db8::/32",
                                     "198.18.0.0/15"]}}


def bring_up(lab):
    """One rack (FRR and BIRD as ToRs), two nodes, one pod each."""
    f = Fabric(lab, racks=1)
    f.spine.networks += MARK
    for r in f.routers.values():
        r.start()
    for n in f.nodes:
        n.start(**PERMIT_MORE)
    pods = [n.add_pod(lab, f"pod{n.n}") for n in f.nodes]
    for n in f.nodes:
        n.daemon.wait_established(deadline_s=20)
        wait_until(lambda: has_mark(n) == 2, 15, f"{n.name} has the spine's routes")
    for a in pods[1].addrs:
        wait_until(lambda: ping(pods[0].ns, a), 15, f"pod 2 answers at {a}")
    return f, pods


def has_mark(node):
    """How many of the marked prefixes are in a node's kernel."""
    return sum(bool(node.ns.routes(p, "proto", 212, family=6 if ":" in p else 4)) for p in MARK)


def withdraw_mark(fabric):
    """The spine takes its marked routes back; seen when the other node has lost them."""
    keep = [p for p in fabric.spine.networks if p not in MARK]
    fabric.spine.daemon.reconfigure(keep)
    wait_until(lambda: has_mark(fabric.nodes[1]) == 0, 10, "the withdrawal has gone round")


class Outage:
    """Part of a node's weft is dead between stop() and resume()."""

    def __init__(self, node, how):
        self.weft, self.how, self.launcher = node.daemon, how, node.daemon.pid("weftd")

    def stop(self):
        if self.how in ("weft-bgpd", "weft-agent"):
            os.kill(self.launcher, signal.SIGSTOP)      # else it comes back at once
            victim = self.weft.pid(self.how)
            os.kill(victim, signal.SIGKILL)
        elif self.how == "everything":
            self.weft.kill()
        else:
            self.weft.weft("prepare-restart")
            assert self.weft.stop() == 0

    def resume(self):
        if self.how in ("weft-bgpd", "weft-agent"):
            os.kill(self.launcher, signal.SIGCONT)
        else:
            self.weft.start(wait=False)


def wait_relearned(node):
    """Until the marked routes are gone; they must not go before both sessions are up."""
    weft = node.daemon

    def swept():
        left = has_mark(node)
        states = {p["name"]: p["state"] for p in weft.peers().values()}
        if left < 2:
            assert all(s == "Established" for s in states.values()), \
                f"swept before the deferral ended: {states}"
        return left == 0 or No((left, states))
    wait_until(swept, 20, "what was withdrawn meanwhile is gone")


@pytest.mark.slice
@pytest.mark.parametrize("how", ["weft-bgpd", "weft-agent", "everything", "prepare-restart"])
def test_no_packet_lost(lab, figure, how):
    """1 kHz ping, both families, while a part of weft dies and comes back."""
    f, pods = bring_up(lab)
    node, weft = f.nodes[0], f.nodes[0].daemon
    weft.wait_synced()
    pingers = [Pinger(pods[0].ns, a) for a in pods[1].addrs]
    outage = Outage(node, how)
    outage.stop()
    withdraw_mark(f)
    holds_for(lambda: has_mark(node) == 2, 0.5, "withdrawn routes stay while nobody is there")
    outage.resume()
    wait_relearned(node)
    weft.wait_established(deadline_s=20)
    weft.wait_synced()
    results = [p.result() for p in pingers]
    for family, r in zip(("IPv4", "IPv6"), results):
        figure(f"{family}: {r['lost']} of {r['sent']} lost, longest gap "
               f"{r['longest_gap_ms']} ms")
    assert [r["lost"] for r in results] == [0, 0]
    assert min(r["sent"] for r in results) > 500


@pytest.mark.slow
def test_comes_back_by_itself(lab):
    """A killed child is started again by the launcher, and the launcher says so."""
    f, _ = bring_up(lab)
    weft = f.nodes[0].daemon
    for child in ("weft-bgpd", "weft-agent"):
        old = weft.pid(child)
        weft.kill(child)
        wait_until(lambda: weft.pid(child) != old and weft.answers(), 10, f"{child} is back")
        weft.wait_established(deadline_s=20)
        weft.wait_synced()
