"""Roles and Only to Customer (RFC 9234) with the daemons that have them."""

import re

import pytest

from fabric.peers import Bird, Frr, Openbgpd, networks, of_family
from fabric.topo import PEER_AS, WEFT_AS, Pair, TwoTors, timers, weft_peers
from fabric.wait import No, holds_for, wait_until
from test_confed import as_path

pytestmark = pytest.mark.patient

NETS = of_family(networks(1, 2), "ipv4")
ROLES = {"provider": "customer", "customer": "provider", "peer": "peer"}


def role_lines(kind, role, strict=False):
    """A neighbour's lines of that daemon for its own role."""
    if kind is Bird:
        return [f"local role {role};"] + (["require roles on;"] if strict else [])
    if kind is Frr:
        return [f"local-role {role}" + (" strict-mode" if strict else "")]
    return [f"announce policy {role}" + (" enforce" if strict else "")]


def make(lab, kind, ours, theirs, strict=False, **more):
    """weft and a daemon in these roles (None: none), started."""
    pair = Pair(lab, kind, NETS, extra=role_lines(kind, theirs, strict) if theirs else ())
    pair.weft.config["peers"] = weft_peers(kind, "peer", pair.other, PEER_AS, timers=timers(),
                                           **({"role": ours} if ours else {}), **more)
    pair.weft.start()
    pair.daemon.start()
    return pair


def why(pair, *patterns, deadline_s=10):
    """Until weft's sentence about its peers matches one of them."""
    def told():
        for p in pair.weft.peers().values():
            text = f"{p['reason']} {p['last_error']}"
            if any(re.search(x, text) for x in patterns):
                return text
        return No([p["reason"] for p in pair.weft.peers().values()])
    return wait_until(told, deadline_s, f"weft says one of {patterns}")


@pytest.mark.slice
@pytest.mark.parametrize("kind", [Bird, Frr, Openbgpd], ids=["bird", "frr", "openbgpd"])
@pytest.mark.parametrize("ours", ROLES)
def test_roles_that_fit(lab, kind, ours):
    """The session comes up, strict on both sides, and each knows the other's role."""
    pair = make(lab, kind, ours, ROLES[ours], strict=True, strictRole=True)
    pair.wait_up()
    name = pair.weft_side[0]
    assert pair.weft.peer(name)["role"] == ours
    assert pair.weft.peer(name)["peer_role"] == ROLES[ours]
    assert f"we are {ours} to it, it says it is {ROLES[ours]}" in \
        pair.weft.weft("peer", name)
    # Only to Customer is on routes that come down or across (RFC 9234 section 5)
    want = None if ours == "provider" else PEER_AS

    def marked():
        r = pair.weft.route(NETS[0])["paths"]
        return bool(r) and r[0]["only_to_customer"] == want or No(r)
    wait_until(marked, 10, f"only_to_customer is {want}")


@pytest.mark.parametrize("kind", [Bird, Frr, Openbgpd], ids=["bird", "frr", "openbgpd"])
def test_roles_that_do_not_fit(lab, kind):
    """Both are providers: no session, and the sentence says what is wrong on which side."""
    pair = make(lab, kind, "provider", "provider")
    text = why(pair, r"we are provider to it, so it has to be customer, its OPEN says provider",
               r"Role Mismatch \(2/11\): it does not accept that we are provider to it")
    assert "Established" not in text
    holds_for(lambda: all(p["state"] != "Established" for p in pair.weft.peers().values()), 1,
              "no session comes up")


@pytest.mark.parametrize("kind", [Bird, Frr, Openbgpd], ids=["bird", "frr", "openbgpd"])
def test_strict_here(lab, kind):
    """strictRole refuses a daemon without a role; without it the session comes up."""
    pair = make(lab, kind, "customer", None, strictRole=True)
    why(pair, "want to be told its role .strictRole., its OPEN tells none")
    for p in pair.weft.config["peers"]:
        p["strictRole"] = False
    pair.weft.write_config()
    pair.weft.weft("reload")
    if kind is Openbgpd:                # refused twice, it takes no call for half a minute
        for n in pair.daemon.neighbors:
            pair.daemon.bgpctl("neighbor", n.addr, "clear")
    pair.wait_up()
    assert "it tells none" in pair.weft.weft("peer", pair.weft_side[0])


@pytest.mark.parametrize("kind", [Bird, Frr], ids=["bird", "frr"])
def test_strict_there(lab, kind):
    """The daemon wants a role of us and none is configured: said so."""
    pair = make(lab, kind, None, "provider", strict=True)
    why(pair, "Role Mismatch .2/11.: it wants our role, and none is configured here")


def test_no_leak_between_two_tors(lab):
    """tor1 is our provider. With transit on, its routes go to tor2 as a customer, not as a peer."""
    t = TwoTors(lab, (NETS, []), bgp={"transit": True})
    t.tors[0].neighbors[0].extra = role_lines(Frr, "provider")
    t.tors[1].neighbors[0].extra = role_lines(Bird, "peer")
    tor1, tor2 = t.weft.config["peers"]
    tor1["role"] = "customer"
    tor2.update(role="peer", export="all")
    t.start()
    wait_until(lambda: t.weft.accepted("tor1")["ipv4"] == len(NETS), 10, "tor1's routes are here")
    wait_until(lambda: t.tors[1].received(t.links[1][0][0])["ipv4"] > 0, 10, "pods are at tor2")
    assert as_path(t.tors[1], NETS[0]) is None
    tor2["role"] = "provider"
    t.tors[1].neighbors[0].extra = role_lines(Bird, "customer")
    t.tors[1].reconfigure()
    t.weft.write_config()
    t.weft.weft("reload")

    def there():
        text = t.tors[1].route(NETS[0])
        return NETS[0] in text and text or No(text)
    text = wait_until(there, 15, "the provider's route is at the customer")
    assert re.search(r"otc: 65001\b", text), text
    assert f"{WEFT_AS} 65001" in text
