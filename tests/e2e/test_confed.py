"""A confederation (RFC 5065) of weft with BIRD and FRR, and what a peer outside sees of it."""

import pytest

from fabric.peers import Bird, Frr, Neighbor, networks, of_family
from fabric.topo import PERMIT, PODS, timers, wire
from fabric.wait import No, wait_until
from fabric.weft import Weft, config, peer

pytestmark = pytest.mark.patient

CONFED, OURS, MEMBER, OUTSIDE = 64496, 65001, 65002, 64510
INSIDE_NETS = of_family(networks(1, 2), "ipv4")
OUTSIDE_NETS = of_family(networks(2, 2), "ipv4")


class Border:
    """weft between another member (eth0) and a peer outside (eth1)."""

    def __init__(self, lab, member_kind, outside_kind):
        self.node, m, o = lab.ns("node"), lab.ns("member"), lab.ns("outside")
        mine, other = wire(lab, self.node, "eth0", m, "eth0", 1)
        mine2, other2 = wire(lab, self.node, "eth1", o, "eth0", 2)
        self.node.addr("lo", "10.0.0.1/32", "fd00::1/128")
        self.at_member, self.at_outside = mine[0], mine2[0]
        extra = ("confederation 64496; confederation member yes;",) if member_kind is Bird else ()
        options = {"lines": [f"bgp confederation identifier {CONFED}",
                             f"bgp confederation peers {OURS}"]} if member_kind is Frr else {}
        self.member = member_kind(m, MEMBER, other[0],
                                  [Neighbor(mine[0], OURS, other[0], other[1], extra=extra)],
                                  INSIDE_NETS, **options)
        self.outside = outside_kind(o, OUTSIDE, other2[0],
                                    [Neighbor(mine2[0], CONFED, other2[0], other2[1])],
                                    OUTSIDE_NETS)
        self.weft = Weft(self.node, config(
            "node", OURS, ["10.0.0.1", "fd00::1"],
            [peer("member", other[0], MEMBER, timers=timers(), nextHopMode="self"),
             peer("outside", other2[0], OUTSIDE, timers=timers(), export="all")],
            PODS, PERMIT, bgp={"confederation": {"identifier": CONFED, "members": [MEMBER]}}))
        for x in (self.member, self.outside, self.weft):
            x.start()
        self.weft.wait_established("member", "outside")


def as_path(daemon, prefix):
    """The AS path that FRR or BIRD shows for a prefix; None without one."""
    if isinstance(daemon, Frr):
        paths = daemon.route(prefix)
        return paths[0]["aspath"]["string"] if paths else None
    try:
        text = daemon.route(prefix)
    except AssertionError as e:             # birdc fails where there is no route
        assert "Network not found" in str(e), e
        return None
    return next(x.split(":", 1)[1].strip() for x in text.splitlines() if "BGP.as_path:" in x)


def wait_path(daemon, prefix, want):
    def same():
        got = as_path(daemon, prefix)
        return got == want or No(got)
    wait_until(same, 15, f"{prefix} has the path {want!r}")


@pytest.mark.slice
@pytest.mark.parametrize("kinds", [(Frr, Bird), (Bird, Frr)], ids=["frr", "bird"])
def test_border(lab, kinds):
    """Member-AS segments inside, only the identifier outside, both directions."""
    b = Border(lab, *kinds)
    wait_path(b.outside, INSIDE_NETS[0], str(CONFED))
    wait_path(b.outside, PODS[0], str(CONFED))
    wait_path(b.member, PODS[0], f"({OURS})")
    wait_path(b.member, OUTSIDE_NETS[0], f"({OURS}) {OUTSIDE}")
    assert b.weft.peer("member")["type"] == "confed"
    assert b.weft.peer("outside")["type"] == "ebgp"
    assert b.weft.peer("outside")["local_as"] == CONFED
    path = b.weft.route(INSIDE_NETS[0])["paths"][0]
    assert path["as_path"] == f"({MEMBER})"
    assert path["type"] == "confed"
    assert path["local_pref"] == 100
