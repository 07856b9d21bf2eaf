"""The kernel stays as wanted: others delete, flush, or take the link away."""

import subprocess
import time

import pytest

from fabric.peers import Bird, networks, of_family
from fabric.topo import TwoTors, legs
from fabric.wait import No, wait_until

MANY = networks(1, 250) + networks(2, 250)      # 1,000 routes, half of each family
NETS = networks(1, 20)


def count_fast(ns, family):
    """Number of our routes without decoding them: used where milliseconds count."""
    out = subprocess.run(["ip", "-n", ns.full, f"-{family}", "-o", "route", "show", "proto", "212"],
                         capture_output=True, check=True).stdout
    return sum(b"unreachable" not in x and b"blackhole" not in x for x in out.splitlines())


@pytest.mark.slice
def test_deleted_routes_come_back(lab, figure):
    """1,000 routes deleted by another program are back within 200 ms, three times."""
    t = TwoTors(lab, MANY, kinds=(Bird, Bird)).start()
    t.wait_installed(MANY)
    t.weft.wait_synced()
    full = [count_fast(t.node, f) for f in (4, 6)]
    for turn in range(3):
        t.node.batch([f"route del {p} proto 212" for p in MANY])
        gone = time.monotonic()
        wait_until(lambda: [count_fast(t.node, f) for f in (4, 6)] == full, 5,
                   "all routes are back", every_s=0.002)
        took = time.monotonic() - gone
        figure(f"turn {turn + 1}: back {took * 1000:.0f} ms after the last deletion")
        assert took < 0.2
        t.weft.wait_synced()


@pytest.mark.slice
def test_flushed_nexthop_objects(lab, figure):
    """`ip nexthop flush`: objects and the routes that hung on them are back in 200 ms."""
    t = TwoTors(lab, MANY, kinds=(Bird, Bird)).start()
    t.wait_installed(MANY)
    t.weft.wait_synced()
    full = [count_fast(t.node, f) for f in (4, 6)]
    objects = t.node.ipj("nexthop", "show", "proto", "212")
    assert objects, "nexthop objects are in use"
    for turn in range(3):
        t.node.ip("nexthop", "flush", "proto", "212")
        gone = time.monotonic()
        wait_until(lambda: [count_fast(t.node, f) for f in (4, 6)] == full, 5,
                   "all routes are back", every_s=0.002)
        took = time.monotonic() - gone
        figure(f"turn {turn + 1}: back {took * 1000:.0f} ms after the flush")
        assert took < 0.2
        t.weft.wait_synced()


def test_changed_route_is_put_back(lab):
    """Somebody replaces one of our routes in place: ours is back, an event says who did it."""
    t = TwoTors(lab, NETS, kinds=(Bird, Bird)).start()
    t.wait_installed(NETS)
    row = t.weft.kernel_routes(4)[0]
    t.node.ip("route", "replace", "blackhole", row["dst"], "proto", 212, "metric", row["metric"])
    t.weft.wait_synced()
    wait_until(lambda: any(row["dst"] in e["text"] for e in t.weft.events())
               or No(t.weft.events()[-3:]), 5, "an event names the route")


@pytest.mark.slice
def test_far_end_down_and_up(lab):
    """The ToR's end goes down and up (carrier): both legs leave and come back."""
    t = TwoTors(lab, NETS, kinds=(Bird, Bird)).start()
    v4, v6 = NETS[0], of_family(NETS, "ipv6")[0]
    wait_until(lambda: legs(t.node, v4) == legs(t.node, v6) == {"eth0", "eth1"}, 10, "both legs")
    t.tors[0].ns.ip("link", "set", "eth0", "down")
    wait_until(lambda: legs(t.node, v4) == legs(t.node, v6) == {"eth1"}, 5, "one leg is left")
    t.tors[0].ns.ip("link", "set", "eth0", "up")
    t.tors[0].ns.ip("addr", "replace", "fd09:1::2/64", "dev", "eth0", "nodad")
    wait_until(lambda: legs(t.node, v4) == legs(t.node, v6) == {"eth0", "eth1"}, 15,
               "both legs are back")
    t.weft.wait_synced()


@pytest.mark.slice
def test_own_link_flaps_under_a_held_session(lab, figure):
    """Our own link goes down and up within the hold time: routes within 200 ms."""
    t = TwoTors(lab, NETS, kinds=(Bird, Bird)).start()
    v4, v6 = NETS[0], of_family(NETS, "ipv6")[0]
    wait_until(lambda: legs(t.node, v4) == legs(t.node, v6) == {"eth0", "eth1"}, 10, "both legs")
    t.node.ip("link", "set", "eth0", "down")
    wait_until(lambda: legs(t.node, v4) == legs(t.node, v6) == {"eth1"}, 5, "one leg is left")
    t.node.ip("link", "set", "eth0", "up")
    begin = time.monotonic()
    wait_until(lambda: legs(t.node, v4) == {"eth0", "eth1"}, 15, "IPv4 is back", every_s=0.002)
    took4 = time.monotonic() - begin
    t.node.ip("addr", "replace", "fd09:1::1/64", "dev", "eth0", "nodad")
    begin = time.monotonic()
    wait_until(lambda: legs(t.node, v6) == {"eth0", "eth1"}, 15, "IPv6 is back", every_s=0.002)
    took6 = time.monotonic() - begin
    t.weft.wait_synced()
    figure(f"back after {took4 * 1000:.0f} ms (IPv4), {took6 * 1000:.0f} ms (IPv6)")
    assert took4 < 0.2 and took6 < 0.2


@pytest.mark.slow
@pytest.mark.release
def test_idle_cpu(lab, figure):
    """Nothing happens: below 0.1 % of a processor for all processes together."""
    t = TwoTors(lab, MANY, kinds=(Bird, Bird)).start()
    t.wait_installed(MANY)
    t.weft.wait_synced()
    before, begin = cpu_seconds(t.weft.pids()), time.monotonic()
    end = begin + 20
    wait_until(lambda: time.monotonic() >= end, 25, "20 s have passed", every_s=1)
    used = (cpu_seconds(t.weft.pids()) - before) / (time.monotonic() - begin)
    figure(f"idle: {used * 100:.3f} % of a processor")
    assert used < 0.001


def cpu_seconds(pids):
    """Processor time of processes so far, from the scheduler's nanoseconds."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/schedstat") as f:
            total += int(f.read().split()[0])
    return total / 1e9
