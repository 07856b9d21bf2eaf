"""What the processes may do, and what the agent refuses to put into the kernel."""

import errno
import os
import socket

import pytest

from fabric import inject
from fabric.peers import Bird, networks
from fabric.topo import Pair, TwoTors
from fabric.wait import No, wait_until

pytestmark = pytest.mark.patient

CAP_NET_ADMIN = 12


def proc_status(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def caps(status, kind="CapEff"):
    return int(status[kind], 16)


@pytest.mark.release
def test_bgpd_can_do_nothing(lab):
    """weft-bgpd: no capability, no_new_privs, seccomp filter, not root, empty root folder."""
    pair = Pair(lab, Bird, networks(1, 2))
    pair.daemon.start()
    pair.weft.start()
    pair.wait_up()
    pid = pair.weft.pid("weft-bgpd")
    s = proc_status(pid)
    assert {k: caps(s, k) for k in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == \
        {"CapEff": 0, "CapPrm": 0, "CapInh": 0, "CapAmb": 0}
    assert s["NoNewPrivs"] == "1" and s["Seccomp"] == "2"
    assert "0" not in s["Uid"].split() and "0" not in s["Gid"].split()
    assert os.listdir(f"/proc/{pid}/root") == []


@pytest.mark.release
@pytest.mark.skipif(not inject.supported, reason="x86-64 only")
def test_bgpd_cannot_open_a_socket(lab):
    """socket() made inside weft-bgpd fails; inside weft-agent (the control) it works."""
    pair = Pair(lab, Bird, networks(1, 2))
    pair.daemon.start()
    pair.weft.start()
    pair.wait_up()
    args = (inject.SYS_SOCKET, socket.AF_INET, socket.SOCK_STREAM, 0)
    assert inject.syscall_in(pair.weft.pid("weft-agent"), *args) >= 0
    for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK):
        got = inject.syscall_in(pair.weft.pid("weft-bgpd"), inject.SYS_SOCKET, family,
                                socket.SOCK_STREAM, 0)
        assert got in (-errno.EPERM, -errno.EACCES), f"socket({family}) = {got}"
    pair.wait_up()          # both go on as before


@pytest.mark.release
def test_agent_has_one_capability(lab):
    """weft-agent: not root, exactly CAP_NET_ADMIN, and ahead of weft-bgpd on a busy processor."""
    pair = Pair(lab, Bird, networks(1, 2))
    pair.daemon.start()
    pair.weft.start()
    pair.wait_up()
    agent, bgpd = pair.weft.pid("weft-agent"), pair.weft.pid("weft-bgpd")
    s = proc_status(agent)
    assert caps(s) == caps(s, "CapPrm") == 1 << CAP_NET_ADMIN
    assert "0" not in s["Uid"].split()
    assert os.getpriority(os.PRIO_PROCESS, agent) == os.getpriority(os.PRIO_PROCESS, bgpd) - 5


REFUSED = {
    "outside permit": ["192.168.50.0/24", "2001:db8:50::/64"],
    "default route": ["0.0.0.0/0", "::/0"],
    "own address": ["10.0.0.1/32", "fd00::1/128"],
    "own link address": ["10.9.1.1/32", "fd09:1::1/128"],
    "a peer's address": ["10.9.1.2/32", "fd09:1::2/128"],
    "a peer's subnet": ["10.9.2.0/24", "fd09:2::/64"],
}
WIDE = ["10.0.0.0/8", "172.16.0.0/12", "fd00::/8", "192.0.2.0/24"]


@pytest.mark.slice
def test_agent_refuses(lab):
    """The speaker asks for everything it hears; the agent installs only what it may."""
    bad = [p for ps in REFUSED.values() for p in ps]
    good = networks(1, 2)
    t = TwoTors(lab, (good + bad, good), kinds=(Bird, Bird))
    for p in t.weft.config["peers"]:
        p["import"] = "all"
    t.weft.config["kernel"]["permit"] = WIDE
    t.start()
    t.wait_installed(good)
    for what, prefixes in REFUSED.items():
        for prefix in prefixes:
            def refused():
                rows = [r for r in t.weft.fib() if r["prefix"] == prefix]
                return any(r["state"] == "refused" and r["reason"] for r in rows) or No(rows)
            wait_until(refused, 5, f"{prefix} ({what}) is shown as refused with the reason")
    have = {r["dst"] for f in (4, 6) for r in t.weft.kernel_routes(f)}
    plain = {p.replace("/32", "").replace("/128", "") for p in bad} | {"default"}
    assert not have & (plain | set(bad)), have & (plain | set(bad))
    flags = {r["prefix"]: r for r in t.weft.routes("--best")}
    assert flags["192.168.50.0/24"]["fib"]["state"] == "refused"


def test_default_route_when_permitted(lab):
    """0.0.0.0/0 and ::/0 written into kernel.permit are installed."""
    t = TwoTors(lab, ["0.0.0.0/0", "::/0"], kinds=(Bird, Bird))
    t.weft.config["kernel"]["permit"] = ["10.244.0.0/16", "0.0.0.0/0", "::/0"]
    t.start()
    t.wait_installed(["default"])
    wait_until(lambda: t.node.routes("default", family=6), 5, "::/0 is installed")


def test_rfc8212_default(lab):
    """eBGP without anything said: nothing outside permit is accepted, only own ranges go out."""
    t = TwoTors(lab, ["192.168.50.0/24", *networks(1, 1)], kinds=(Bird, Bird)).start()
    t.wait_installed(networks(1, 1))
    rejected = {r["prefix"]: r["reject_reason"] for r in t.weft.routes("--rejected")}
    assert rejected.get("192.168.50.0/24"), rejected
