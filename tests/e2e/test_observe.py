"""observe: everything is learned and shown, nothing is announced nor changed."""

import pytest

from fabric.peers import Bird, Frr
from fabric.topo import PODS, TwoTors
from fabric.wait import No, wait_until

pytestmark = pytest.mark.patient

NETWORKS = [f"172.20.{i}.0/24" for i in range(20)] + [f"fd20:{i:x}::/64" for i in range(1, 21)]
SYSCTLS = ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding",
           "net.ipv4.fib_multipath_hash_policy", "net.ipv4.conf.eth0.rp_filter")


def state(ns):
    """Everything of the kernel's that weft may ever change, as text."""
    looks = [("ip", "-d", "route", "show", "table", "all"), ("ip", "-6", "-d", "route", "show", "table", "all"),
             ("ip", "-d", "nexthop"), ("ip", "rule"), ("ip", "-6", "rule"), ("nft", "list", "ruleset"),
             ("sysctl", *SYSCTLS)]
    return "\n".join(ns.run(*words) for words in looks)


def quiet(ns):
    """The same once the kernel's own changes (IPv6 multicast routes and the like) are over."""
    last = None
    def same():
        nonlocal last
        was, last = last, state(ns)
        return was == last and last
    return wait_until(same, 10, "the kernel's state is at rest", every_s=0.3)


def diff(weft):
    return {r["prefix"]: r for r in weft.fib("--diff")}


def test_observe(lab):
    """Two busy ToRs: the whole RIB is there, and neither kernel nor ToRs see anything of us; until
    observing ends, when all is installed and announced."""
    t = TwoTors(lab, NETWORKS, kinds=(Frr, Bird), observe=True, natOutgoing=True,
                kernel={"permit": ["172.16.0.0/12", "fd20::/11"], "sysctls": "manage"})
    t.node.sysctl(net__ipv4__fib_multipath_hash_policy=0)
    t.node.run("nft", "-f", "-", stdin="table inet weft { chain others { }; }\n")
    before = quiet(t.node)
    t.start()
    weft = t.weft

    def learned():
        routes = {r["prefix"] for r in weft.routes("--best")}
        return set(NETWORKS) <= routes or No(len(routes))
    wait_until(learned, 15, "all routes are in the RIB")
    for churn in range(3):      # a busy agent: peers that come and go, a bgpd that dies
        weft.weft("peer", "tor1", "reset")
        weft.wait_established(*t.names)
        if churn == 1:
            weft.kill("weft-bgpd")
            wait_until(lambda: weft.json("peers") and weft.status()["bgpd"]["running"], 10, "a new bgpd")
            weft.wait_established(*t.names, deadline_s=25)
    wait_until(learned, 15, "all routes are in the RIB again")

    def explained():
        rows = diff(weft)
        both = {p for p, r in rows.items() if (r["want"] or "").count("nexthop via") == 2}
        return set(NETWORKS) <= both and rows or No(f"{len(both)} of {len(rows)} by two legs")
    rows = wait_until(explained, 10, "fib --diff has all of them, by both ToRs")
    assert rows[NETWORKS[0]]["have"] is None
    assert "observe" in rows[NETWORKS[0]]["reason"]
    assert weft.status()["observe"] is True and "OBSERVE" in weft.weft("status", check=False).stdout
    assert "observe" in weft.weft("flush", check=False).stderr
    assert state(t.node) == before
    for tor, (mine, _) in zip(t.tors, t.links):
        assert all(n == 0 for n in tor.received(mine[0]).values())
    assert all(a == 0 for n in t.names for a in weft.advertised(n).values())

    t.node.run("nft", "delete", "table", "inet", "weft")
    weft.write_config({**weft.config, "observe": False})
    weft.weft("reload")
    t.wait_installed(NETWORKS)
    assert weft.status()["observe"] is False

    def announced():
        got = [tor.received(mine[0]) for tor, (mine, _) in zip(t.tors, t.links)]
        return all(n >= 1 for g in got for n in g.values()) or No(got)
    wait_until(announced, 10, "the ToRs have our pod CIDRs")
    assert weft.status()["nat"]["state"] == "installed"

    # And back again: withdrawn from the ToRs, while the kernel stays as it is.
    now = quiet(t.node)
    weft.write_config({**weft.config, "observe": True})
    weft.weft("reload")

    def withdrawn():
        got = [tor.received(mine[0]) for tor, (mine, _) in zip(t.tors, t.links)]
        return all(n == 0 for g in got for n in g.values()) or No(got)
    wait_until(withdrawn, 10, "the ToRs have nothing of us")
    assert state(t.node) == now


def test_option_of_weftd(lab):
    """weftd --observe: the same, whatever the configuration says; a stop leaves all as it was."""
    t = TwoTors(lab, NETWORKS, kinds=(Bird,))
    t.weft.options = ["--observe"]
    before = quiet(t.node)
    t.start()
    wait_until(lambda: len(diff(t.weft)) >= len(NETWORKS) + len(PODS) or No(len(diff(t.weft))), 15,
               "what would be installed")
    t.weft.weft("reload")
    assert t.weft.status()["observe"] is True and state(t.node) == before
    t.weft.stop()
    assert state(t.node) == before
