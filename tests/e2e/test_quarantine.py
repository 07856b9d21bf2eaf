"""A message that crashes weft-bgpd costs its sender the session, and nobody else anything.

Run with a weft-bgpd that dies of an UPDATE with the community 65432:54321
(tests/poison), linked from the same objects as the one that is delivered.
"""

import os

import pytest

from fabric.peers import Bird
from fabric.topo import TwoTors
from fabric.traffic import Pinger, ping
from fabric.wait import No, wait_until
from fabric.weft import BUILD

POISON = "172.21.66.0/24"
GOOD = ["172.20.0.0/24", "fd20::/64"]
OTHER = ["172.21.0.0/24"]
HOST = "172.20.0.1"     # behind the peer that behaves


def libexec(lab):
    """A directory with the agent and the bgpd that can be poisoned."""
    path = f"{lab.dir}/libexec"
    os.mkdir(path)
    for program in ("weft-agent", "weft-bfdd"):
        os.symlink(f"{BUILD}/{program}", f"{path}/{program}")
    os.symlink(f"{BUILD}/tests/poison/weft-bgpd", f"{path}/weft-bgpd")
    return path


def announce(tor, networks):
    """Other networks without a new session; the poisoned one has its community."""
    tor.options["attributes"] = {POISON: "bgp_community.add((65432, 54321));"}
    tor.reconfigure(networks)


def event(weft, name):
    return [e["text"] for e in weft.events() if e["event"] == name]


def tor2_is_away(weft):
    p = weft.peer("tor2")
    return (p["state"] == "Idle" and "quarantined" in (p["reason"] or "")) or \
        No((p["state"], p["reason"]))


@pytest.mark.patient
def test_poison_message(lab, figure):
    """Two crashes in messages of one peer: it is kept away; the other's traffic loses nothing."""
    lab.crashes_expected = True
    t = TwoTors(lab, (GOOD, OTHER), kinds=(Bird, Bird),
                advertisements=[{"type": "Interface", "interfaces": ["lo"]}])
    t.weft.libexec = libexec(lab)
    t.start()
    tor1 = lab.nodes["tor1"]
    tor1.ip("addr", "add", f"{HOST}/32", "dev", "lo")
    t.wait_installed([*GOOD, *OTHER])
    wait_until(lambda: ping(t.node, HOST), 5, "the host behind tor1 answers")
    pinger = Pinger(t.node, HOST)

    announce(t.tors[1], [*OTHER, POISON])
    wait_until(lambda: event(t.weft, "peer-quarantined"), 20, "tor2 is quarantined")
    t.weft.wait_established("tor1", deadline_s=15)
    wait_until(lambda: tor2_is_away(t.weft), 5, "tor2 is kept away, and it is said why")
    crashes = event(t.weft, "crashed-by-message")
    assert len(crashes) == 2 and all("peer=tor2" in c and "type=UPDATE" in c for c in crashes), \
        crashes
    assert any("tor2" in w and "quarantined" in w for w in t.weft.status()["warnings"])
    t.weft.wait_synced()
    wait_until(lambda: not t.node.routes(OTHER[0], "proto", 212), 15, "tor2's routes went")
    r = pinger.result()
    figure(f"{r['lost']} of {r['sent']} lost, longest gap {r['longest_gap_ms']} ms")
    assert r["lost"] == 0

    announce(t.tors[1], OTHER)      # somebody has mended it
    t.weft.weft("peer", "tor2", "up")
    t.weft.wait_established("tor2", deadline_s=20)
    t.wait_installed(OTHER)
    assert t.weft.status()["bgpd"]["restarts"] == 2
