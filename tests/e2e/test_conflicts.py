"""Programs and settings that work against our routes are noticed, named and told."""

import os
import re
import subprocess
import sys
import urllib.request

import pytest

from fabric.peers import Bird, networks
from fabric.topo import PODS, TwoTors
from fabric.wait import No, holds_for, wait_until

NETS = networks(4, 4)
HERE = os.path.dirname(os.path.abspath(__file__))
WHOLE = os.environ.get("WEFT_SOAK") == "1"
CAP_S = 10                                  # repair backs off to that


def tors(lab, **more):
    t = TwoTors(lab, NETS, kinds=(Bird, Bird), **more)
    lab.link(t.node, "cni0", lab.ns("pods"), "eth0", ["10.244.1.1/24"])
    for dev in ("all", "eth0", "eth1"):
        t.node.sysctl(**{f"net__ipv4__conf__{dev}__rp_filter": 0})
    t.start()
    t.wait_installed(NETS)
    return t


def conflicts(weft):
    return {c["kind"]: c for c in weft.status()["conflicts"]}


def wait_kinds(weft, kinds, deadline_s=12):
    def same():
        now = conflicts(weft)
        return set(now) == set(kinds) and (now or True) or No(now)
    return wait_until(same, deadline_s, f"conflicts are {sorted(kinds)}", every_s=0.1)


@pytest.mark.soak
def test_a_loop_that_deletes_routes(lab, figure):
    """Put back at once three times, then with growing delay; the event names count and cause."""
    t = tors(lab)
    times = 12 if WHOLE else 5
    loop = t.node.spawn(sys.executable, f"{HERE}/deleter.py", "systemd-network", times, *NETS,
                        stdin=subprocess.PIPE)

    def gaps():
        got = [float(line) for line in loop.text().split()]
        return len(got) == times and got or No(got)
    took = wait_until(gaps, 90 if WHOLE else 20, "it has deleted them that often")
    figure(f"missing for {', '.join(f'{1000 * g:.0f}' for g in took)} ms")
    assert max(took[:3]) <= 0.2
    for got, delay in zip(took[3:], (0.5, 1, 2, 4, 8, CAP_S, CAP_S, CAP_S, CAP_S)):
        assert delay - 0.1 <= got <= delay + 1, took
    events = t.weft.events()
    lost = [e["text"] for e in events if e["event"] in ("routes-lost", "routes-fight")]
    assert lost and all(f'by="systemd-network (pid {loop.pid})"' in e for e in lost), lost
    assert all("systemd-networkd with ManageForeignRoutes" in e for e in lost)
    told = [e["text"] for e in events if e["event"] == "conflict" and "kind=removed" in e["text"]]
    assert told and re.search(r" [3-9] times in ", told[0]) and "systemd-networkd" in told[0], told
    # It runs under that name, and so is taken for the real one.
    now = wait_kinds(t.weft, ["removed", "networkd"])
    assert now["removed"]["count"] >= times
    assert "ManageForeignRoutes=no" in now["removed"]["mend"]
    assert any("systemd-network" in w and "mend: " in w for w in t.weft.status()["warnings"])
    with t.node.entered():
        page = urllib.request.urlopen("http://127.0.0.1:9179/metrics", timeout=5).read().decode()
    assert 'weft_conflict{kind="removed"} 1' in page
    assert 'weft_conflict{kind="ip-forward"} 0' in page


def test_settings(lab):
    """A clean node has no warning; each wrong setting has one, and goes with it."""
    t = tors(lab)
    holds_for(lambda: not conflicts(t.weft) or No(conflicts(t.weft)), 0.5, "no false alarm")
    t.node.sysctl(net__ipv4__ip_forward=0)
    wait_kinds(t.weft, ["ip-forward"], 3)       # the kernel tells of that one
    t.node.sysctl(net__ipv4__ip_forward=0, net__ipv6__conf__all__forwarding=0,
                  net__ipv4__conf__eth1__rp_filter=1,
                  net__ipv4__fib_multipath_hash_policy=0)
    t.node.ip("link", "set", "eth0", "mtu", 1400)
    t.node.ip("route", "add", NETS[1], "via", "10.9.1.2", "dev", "eth0", "proto", "static",
              "metric", 5)
    t.node.ip("route", "add", "172.31.9.0/24", "via", "10.9.1.2", "dev", "eth0", "proto", 212,
              "metric", 20)
    now = wait_kinds(t.weft, ["ip-forward", "ip6-forwarding", "rp-filter", "multipath-hash",
                              "mtu-pods", "mtu-legs", "better-route", "second-writer"])
    assert NETS[1] in now["better-route"]["text"] and "metric 5" in now["better-route"]["mend"]
    assert "eth0" in now["mtu-pods"]["text"] and "cni0" in now["mtu-pods"]["text"]
    assert now["multipath-hash"]["hint"] and not now["ip-forward"]["hint"]
    told = {e["text"].split()[0] for e in t.weft.events() if e["event"] == "conflict"}
    assert told == {f"kind={k}" for k in now}
    t.node.ip("link", "set", "eth0", "mtu", 1500)
    t.node.ip("route", "del", NETS[1], "proto", "static", "metric", 5)
    # The rest is for the agent to set, once it is told to.
    t.weft.config["kernel"]["sysctls"] = "manage"
    t.weft.write_config()
    t.weft.weft("reload")
    wait_kinds(t.weft, ["second-writer"])
    for name in ("ipv4/ip_forward", "ipv6/conf/all/forwarding",
                 "ipv4/fib_multipath_hash_policy"):
        assert t.node.run("cat", f"/proc/sys/net/{name}").strip() == "1", name
    assert t.node.run("cat", "/proc/sys/net/ipv4/conf/eth1/rp_filter").strip() == "2"
    names = [e["text"] for e in t.weft.events() if e["event"] == "sysctl-set"]
    assert len(names) == 4 and any("name=net/ipv4/ip_forward was=0 now=1" in n for n in names), names
    over = [e["text"] for e in t.weft.events() if e["event"] == "conflict-over"]
    assert "kind=ip-forward" in over
    assert PODS[0] in {r["dst"] for r in t.weft.kernel_routes(4)}
