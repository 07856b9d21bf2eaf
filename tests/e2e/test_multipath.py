"""Two ToRs announce the same prefixes: both are used, one is lost, nothing leaks across."""

import time

import pytest

from fabric.peers import Bird, Frr, networks, of_family
from fabric.topo import PODS, TwoTors, legs
from fabric.traffic import Capture, udp_flows
from fabric.wait import No, holds_for, wait_until

NETS = networks(1, 4)
BOTH = {"eth0", "eth1"}


def wait_legs(t, prefix, want, deadline_s=10):
    def same():
        got = legs(t.node, prefix)
        return got == want or No(got)
    wait_until(same, deadline_s, f"{prefix} uses {sorted(want)}", every_s=0.005)


def routes_from(t, name):
    """weft's rows for the test networks as one ToR sent them."""
    return [r for r in t.weft.routes() if r["from"] == name and r["prefix"] in NETS]


def in_subnet(prefix, i):
    """An address inside a test network."""
    return prefix.replace("::/64", f"::{i:x}") if ":" in prefix else \
        prefix.replace(".0/24", f".{i}")


@pytest.mark.slice
def test_both_next_hops_carry_flows(lab, figure):
    """IPv4 and IPv6 routes show two next hops; 200 UDP flows use both."""
    t = TwoTors(lab, NETS).start()
    for prefix in NETS:
        wait_legs(t, prefix, BOTH)
    for prefix in (NETS[0], of_family(NETS, "ipv6")[0]):
        wires = [Capture(t.node, dev, "udp port 9") for dev in sorted(BOTH)]
        udp_flows(t.node, in_subnet(prefix, 7), 200)
        seen = [set(), set()]

        def all_seen():
            for i, w in enumerate(wires):
                seen[i] = {p.sport for p in w.packets() if p.dport == 9}
            return len(seen[0] | seen[1]) == 200 or No([len(s) for s in seen])
        wait_until(all_seen, 5, "200 flows were captured")
        figure(f"{prefix}: {len(seen[0])} flows by eth0, {len(seen[1])} by eth1")
        assert min(len(s) for s in seen) > 40
        for w in wires:
            w.stop()


@pytest.mark.slice
@pytest.mark.parametrize("how", ["link down", "far end down", "killed"])
def test_tor_cut_off(lab, figure, how):
    """One ToR is lost: within 1 s one leg is left, both families."""
    t = TwoTors(lab, NETS, gr=False).start()
    for prefix in NETS:
        wait_legs(t, prefix, BOTH)
    begin = time.monotonic()
    if how == "link down":
        t.node.ip("link", "set", "eth0", "down")
    elif how == "far end down":
        t.tors[0].ns.ip("link", "set", "eth0", "down")
    else:
        t.tors[0].kill()
    for prefix in NETS:
        wait_legs(t, prefix, {"eth1"}, 5)
    took = time.monotonic() - begin
    figure(f"one leg left after {took * 1000:.0f} ms")
    assert took < 1
    wait_until(lambda: not t.weft.fib("--diff"), 5, "kernel and intent agree")


@pytest.mark.slice
@pytest.mark.parametrize("which", [0, 1], ids=["frr", "bird"])
def test_graceful_restart_keeps_the_leg(lab, which):
    """A ToR with graceful restart dies: its leg stays and is shown as stale."""
    t = TwoTors(lab, NETS).start()
    for prefix in NETS:
        wait_legs(t, prefix, BOTH)
    t.tors[which].kill()
    name = t.names[which]

    def stale():
        rows = routes_from(t, name)
        return rows and all(r["stale"] for r in rows) or No(rows[:2])
    wait_until(stale, 5, "its routes are marked stale")
    holds_for(lambda: all(legs(t.node, p) == BOTH for p in NETS), 1, "the leg stays")
    t.tors[which].start()
    t.weft.wait_established(name)

    def fresh():
        rows = routes_from(t, name)
        return len(rows) == len(NETS) and not any(r["stale"] for r in rows) or No(rows[:2])
    wait_until(fresh, 15, "its routes are fresh again")
    assert all(legs(t.node, p) == BOTH for p in NETS)


@pytest.mark.slice
def test_never_transit(lab):
    """What one ToR says is never told to the other; own ranges are."""
    nets = (networks(1, 5), networks(2, 5))
    t = TwoTors(lab, nets, kinds=(Bird, Frr)).start()
    t.wait_installed(nets[0] + nets[1])
    for tor, (mine, _), own in zip(t.tors, t.links, nets):
        def only_pods():
            got = tor.received(mine[0])
            return got == {"ipv4": 1, "ipv6": 1} or No(got)
        wait_until(only_pods, 5, "each ToR gets the pod ranges")
        holds_for(only_pods, 1, "and nothing else")
    for name in t.names:
        sent = {r["prefix"] for r in t.weft.routes("--advertised", "--peer", name)}
        assert sent == set(PODS)
