"""Routes that are not ours are the same before and after, whatever we want there."""

import pytest

from fabric.peers import Bird, Frr, networks
from fabric.topo import PODS, TwoTors, legs
from fabric.wait import No, holds_for, wait_until

pytestmark = pytest.mark.patient

METRIC = 20
NETS = networks(1, 4)
VOLATILE = ("expires", "used", "age", "cache", "nh_info")


def foreign(ns, skip_also=()):
    """All routes and nexthop objects that are not ours, comparable."""
    skip = ("212", *skip_also)
    rows = []
    for family in (4, 6):
        for r in ns.ipj(f"-{family}", "route", "show", "table", "all"):
            if str(r.get("protocol")) not in (*skip, "kernel"):
                rows.append(sorted((k, str(v)) for k, v in r.items() if k not in VOLATILE))
    rows += [sorted((k, str(v)) for k, v in n.items()) for n in ns.ipj("nexthop", "show")
             if str(n.get("protocol")) not in skip]
    return sorted(rows)


def plant(ns, dev="eth0"):
    """Foreign routes in our way: same prefix; the same table and metric; other protocols."""
    v4, v6 = NETS[:4], NETS[4:]
    for proto, metric, i in (("static", METRIC, 0), (186, METRIC, 1), ("bird", 50, 2)):
        ns.ip("route", "add", v4[i], "via", "10.9.1.2", "dev", dev, "proto", proto,
              "metric", metric)
        ns.ip("-6", "route", "add", v6[i], "via", "fd09:1::2", "dev", dev, "proto", proto,
              "metric", metric)
    ns.ip("route", "add", v4[3], "via", "10.9.1.2", "table", 100, "proto", "static")
    ns.ip("nexthop", "add", "id", 7, "via", "10.9.1.2", "dev", dev)
    ns.ip("route", "add", "172.31.0.0/24", "nhid", 7)


def taken(weft, prefix):
    """How weft shows a prefix that somebody else has."""
    row = next(r for r in weft.fib() if r["prefix"] == prefix and r["kind"] == "learned")
    return row["state"] == "foreign" and row["reason"] or No(row)


@pytest.mark.slice
def test_identical_before_and_after(lab):
    """Planted routes are the same while weft runs, after it stops, after a kill and flush."""
    t = TwoTors(lab, NETS, kinds=(Bird, Bird), kernel={"metric": METRIC})
    plant(t.node)
    before = foreign(t.node)
    t.start()
    t.wait_installed([NETS[2], NETS[3], NETS[6], NETS[7]])
    for prefix in (NETS[0], NETS[1], NETS[4], NETS[5]):
        wait_until(lambda: taken(t.weft, prefix), 5, f"{prefix} is shown as foreign")
    assert foreign(t.node) == before
    t.weft.weft("flush")
    wait_until(lambda: not t.weft.kernel_routes(4) and not t.weft.kernel_routes(6), 5, "flushed")
    assert foreign(t.node) == before
    t.weft.weft("reload")
    t.wait_installed([NETS[3]])
    t.weft.kill()
    t.weft.start()
    t.weft.wait_established()
    t.wait_installed([NETS[3]])
    t.weft.stop()
    wait_until(lambda: not t.weft.kernel_routes(4) and not t.weft.kernel_routes(6), 5,
               "ours are gone after an orderly end")
    assert foreign(t.node) == before


def test_foreign_route_leaves(lab):
    """When the foreign route goes, ours comes in its place."""
    t = TwoTors(lab, NETS, kinds=(Bird, Bird), kernel={"metric": METRIC})
    plant(t.node)
    t.start()
    wait_until(lambda: taken(t.weft, NETS[0]), 5, "the prefix is foreign")
    t.node.ip("route", "del", NETS[0], "proto", "static", "metric", METRIC)
    wait_until(lambda: legs(t.node, NETS[0]) == {"eth0", "eth1"}, 15, "ours is installed")


@pytest.mark.slow
def test_beside_zebra(lab):
    """FRR's zebra starts beside us in the same namespace: neither touches the other's."""
    t = TwoTors(lab, NETS, kinds=(Bird, Bird)).start()
    t.wait_installed(NETS + PODS)
    t.node.ip("route", "add", "172.30.0.0/24", "via", "10.9.1.2", "proto", "static")
    ours, theirs = our_routes(t), foreign(t.node, skip_also=("zebra",))
    zebra = Frr(t.node, 65099, "10.0.0.9", [], only_zebra=True, keep_kernel=False).start()
    # zebra sweeps routes that it takes for its own some seconds after its start
    holds_for(lambda: our_routes(t) == ours, 10, "our routes are untouched by zebra", every_s=0.25)
    assert foreign(t.node, skip_also=("zebra",)) == theirs
    with_zebra = foreign(t.node)
    t.weft.stop()
    assert foreign(t.node) == with_zebra
    zebra.stop()


def our_routes(t):
    return [sorted(map(str, t.weft.kernel_routes(f))) for f in (4, 6)]
