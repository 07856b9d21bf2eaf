"""Options about AS paths, and covering prefixes, as BIRD and FRR see them."""

import re

import pytest

from fabric.peers import Bird, Frr, networks, of_family
from fabric.topo import PODS, WEFT_AS, Pair, TwoTors
from fabric.wait import No, holds_for, wait_until
from test_confed import as_path, wait_path

pytestmark = pytest.mark.patient

NETS = of_family(networks(1, 2), "ipv4")
SITE = 65001


def two_sites(lab, **options):
    """Two ToRs with one AS number, weft in between; options of weft's peers."""
    t = TwoTors(lab, (NETS, []), bgp={"transit": True})
    t.tors[1].asn = SITE
    for p in t.weft.config["peers"]:
        p.update(asNumber=SITE, export="all", **options)
    return t.start()


@pytest.mark.slice
def test_as_override(lab):
    """Sites of one AS hear each other only with our number in the place of theirs."""
    t = two_sites(lab)
    tor2 = t.tors[1]
    wait_until(lambda: tor2.received(t.links[1][0][0])["ipv4"] > 0, 10, "pods are at tor2")
    holds_for(lambda: as_path(tor2, NETS[0]) is None, 0.5, "tor2 takes it for a loop")
    t.weft.config["peers"][1]["asOverride"] = True
    t.weft.write_config()
    t.weft.weft("reload")
    wait_path(tor2, NETS[0], f"{WEFT_AS} {WEFT_AS}")
    assert t.weft.peer("tor2")["flaps"] == 0


def bird_exports(bird, action):
    """Let BIRD do that with each route before it announces it."""
    plain = bird.configure

    def configure():
        plain()
        with open(bird.conf) as f:
            text, n = re.subn(r"export where source ~ \[[^]]*];",
                              f"export filter {{ {action} accept; }};", f.read())
        assert n, text
        bird.conf = bird.write("bird.conf", text)
    bird.configure = configure


def test_allow_as_in(lab):
    """tor2 announces a path with our number in it: a loop, unless allowAsIn says otherwise."""
    t = TwoTors(lab, ([], NETS))
    bird_exports(t.tors[1], f"bgp_path.prepend({WEFT_AS});")
    t.start()

    def state():
        paths = [p for p in t.weft.routes("--received", "--peer", "tor2")
                 if p["prefix"] == NETS[0]]
        return paths[0] if paths else No("not there")
    path = wait_until(state, 10, "the route is here")
    assert path["rejected"] and "AS loop" in path["reject_reason"], path
    t.weft.config["peers"][1]["allowAsIn"] = 1
    t.weft.write_config()
    t.weft.weft("reload")
    wait_until(lambda: not state()["rejected"] or No(state()), 5, "it is accepted")
    assert t.weft.peer("tor2")["flaps"] == 0


@pytest.mark.parametrize("how, want", [("off", "65001"), ("all", ""), ("replace", str(WEFT_AS)),
                                       ("leading", ""), ("onlyPrivate", "")])
def test_remove_private(lab, how, want):
    """tor1's private number on its way to tor2."""
    t = TwoTors(lab, (NETS, []), bgp={"transit": True})
    t.weft.config["peers"][1].update(export="all", removePrivate=how)
    t.start()
    wait_path(t.tors[1], NETS[0], f"{WEFT_AS} {want}".strip())


@pytest.mark.parametrize("mode, sent, received", [
    ("replaceAs", "64500", ""), ("noPrepend", f"64500 {WEFT_AS}", ""),
    ("prepend", f"64500 {WEFT_AS}", "64500 ")])
def test_local_as(lab, mode, sent, received):
    """FRR is configured for AS 64500: what it sees, and what weft makes of its routes."""
    pair = Pair(lab, Frr, NETS)
    for p in pair.weft.config["peers"]:
        p.update(localAS=64500, localASMode=mode)
    for n in pair.daemon.neighbors:
        n.asn = 64500
    pair.weft.start()
    pair.daemon.start()
    pair.wait_up()
    wait_path(pair.daemon, PODS[0], sent)

    def seen():
        paths = pair.weft.route(NETS[0])["paths"]
        return paths[0]["as_path"] if paths else No("no path")
    assert wait_until(seen, 10, "weft has the route") == f"{received}{pair.daemon.asn}"


@pytest.mark.parametrize("kind", [Bird, Frr], ids=["bird", "frr"])
def test_dual_as(lab, kind):
    """The peer still expects our old number: dualAs finds it."""
    pair = Pair(lab, kind, NETS, passive_peer=True)
    for p in pair.weft.config["peers"]:
        p.update(localAS=64500, localASMode="dualAs")
    pair.daemon.start()
    pair.weft.start()
    pair.wait_up(20)
    assert pair.weft.peer(pair.weft_side[0])["local_as"] == WEFT_AS


def test_route_server(lab):
    """A route server's paths do not begin with its number: enforceFirstAs off takes them."""
    pair = Pair(lab, Bird, NETS, extra=["rs client;"])
    pair.weft.start()
    pair.daemon.start()
    pair.wait_up()

    def state():
        paths = [p for p in pair.weft.routes("--received", "--peer", "peer")
                 if p["prefix"] == NETS[0]]
        return paths[0] if paths else No("not there")
    assert "first AS" in wait_until(state, 10, "the route is here")["reject_reason"]
    pair.weft.config["peers"][0]["enforceFirstAs"] = False
    pair.weft.write_config()
    pair.weft.weft("reload")
    wait_until(lambda: not state()["rejected"] or No(state()), 5, "it is accepted")


def has(bird, prefix):
    """Has BIRD exactly this prefix?"""
    return any(x.split()[:1] == [prefix] for x in bird.birdc("show", "route").splitlines())


def blackholes(ns):
    return {r["dst"] for r in ns.routes("table", "all", "proto", 212, "type", "blackhole")}


@pytest.mark.slice
def test_covering_prefix(lab):
    """Host routes of lo go out as one prefix, with its blackhole first, and go with the last."""
    pair = Pair(lab, Bird, NETS)
    pair.weft.config["node"]["podCIDRs"] = []
    pair.weft.config["advertisements"] = [
        {"type": "Interface", "interface": "lo", "aggregationLength": 24,
         "aggregationLengthIPv6": 64}]
    pair.w.addr("lo", "10.244.7.1/32", "10.244.7.9/32", "fd00:10:244:7::1/128")
    pair.weft.start()
    pair.daemon.start()
    pair.wait_up()
    cover = "10.244.7.0/24"

    wait_until(lambda: has(pair.daemon, cover), 10, "the covering prefix is at BIRD")
    text = pair.daemon.route(cover)
    assert re.search(rf"aggregator: .*{WEFT_AS}|aggregator: .*AS{WEFT_AS}", text), text
    assert "atomic_aggr" in text
    wait_until(lambda: has(pair.daemon, "fd00:10:244:7::/64"), 5, "so is the IPv6 one")
    assert not has(pair.daemon, "10.244.7.1/32")
    assert cover in blackholes(pair.w)
    pair.w.ip("addr", "del", "10.244.7.1/32", "dev", "lo")
    holds_for(lambda: has(pair.daemon, cover), 0.5, "one is left: it stays")
    pair.w.ip("addr", "del", "10.244.7.9/32", "dev", "lo")
    wait_until(lambda: not has(pair.daemon, cover), 5, "the last one is gone")
    wait_until(lambda: cover not in blackholes(pair.w) or No(blackholes(pair.w)), 5,
               "so is its blackhole")


def test_blackhole(lab):
    """A host route with the community blackhole: rejected, or with acceptBlackhole a blackhole."""
    host = "172.21.0.9/32"
    pair = Pair(lab, Bird, [host])
    bird_exports(pair.daemon, "bgp_community.add((65535, 666));")
    pair.weft.start()
    pair.daemon.start()
    pair.wait_up()

    def state():
        paths = pair.weft.route(host)["paths"]
        return paths[0] if paths else No("not there")
    assert "blackhole" in wait_until(state, 10, "the route is here")["reject_reason"]
    assert host.split("/")[0] not in blackholes(pair.w)
    pair.weft.config["peers"][0]["acceptBlackhole"] = True
    pair.weft.write_config()
    pair.weft.weft("reload")
    wait_until(lambda: host.split("/")[0] in blackholes(pair.w) or No(blackholes(pair.w)), 5,
               "it is a blackhole")
    pair.weft.wait_synced()
    assert pair.weft.peer("peer")["flaps"] == 0
