"""BFD with FRR's bfdd and with BIRD: failures are seen at once, and only failures."""

import pytest
from fabric.peers import Bird, Frr, Neighbor
from fabric.topo import PERMIT, PODS, WEFT_AS, ends, wire
from fabric.wait import No, wait_until
from fabric.weft import Weft, config, peer

FAST = {"receiveInterval": 50, "transmitInterval": 50, "detectMultiplier": 3}
BIRD_AS, FRR_AS = 65001, 65002
NETS = ["172.20.0.0/24", "fd20::/64"]


def bird_bfd(ms=50, mult=3, more=""):
    return (f'protocol bfd {{ interface "*" {{ min rx interval {ms} ms; min tx interval {ms} ms; '
            f'idle tx interval 300 ms; multiplier {mult}; {more} }}; '
            f'multihop {{ min rx interval {ms} ms; min tx interval {ms} ms; multiplier {mult}; }}; }}')


def frr_bfd(address, local, ms=50, mult=3, more=""):
    return (f" peer {address} local-address {local}\n  receive-interval {ms}\n"
            f"  transmit-interval {ms}\n  detect-multiplier {mult}\n{more}  no shutdown\n exit")


def start_peer(kind, ns, asn, me, other, networks=NETS, ms=50, **kw):
    """FRR or BIRD with BFD to weft; me, other: single addresses."""
    n = Neighbor(other, WEFT_AS, me, local6=me if ":" in me else "", **kw)
    if kind is Frr:
        n.extra = ("bfd",)
        text = {"bfd": frr_bfd(other, me, ms)}
    else:
        n.extra = ("bfd on;",)
        text = {"global": bird_bfd(ms)}
    return kind(ns, asn, "10.255.0.1", [n], networks, text=text).start()


def bfd(weft):
    return {s["peer"]: s for s in weft.json("bfd")["bfd"]}


def up(weft, *names, us=150000):
    def all_up():
        got = bfd(weft)
        return all(got[n]["state"] == "Up" and (not us or got[n]["detection_us"] == us)
                   for n in names) or No(got)
    wait_until(all_up, 20, f"BFD with {names} is up")


def node(ns, peers, **more):
    return Weft(ns, config("node", WEFT_AS, ["10.0.0.1", "fd00::1"], peers, PODS, PERMIT,
                           bfdProfiles={"fast": FAST}, **more))


@pytest.mark.parametrize("family", [0, 1], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("kind", [Bird, Frr])
def test_up(lab, kind, family):
    a, b = lab.ns("a"), lab.ns("b")
    a.addr("lo", "10.0.0.1/32", "fd00::1/128")
    mine, other = wire(lab, a, "eth0", b, "eth0", 1)
    start_peer(kind, b, BIRD_AS, other[family], mine[family])
    weft = node(a, [peer("tor", other[family], BIRD_AS, bfd="fast")]).start()
    weft.wait_established("tor")
    up(weft, "tor")
    row = bfd(weft)["tor"]
    assert row["address"] == other[family] and row["local_address"] == mine[family], row
    assert not row["multihop"] and row["downs"] == 0 and not row["drops"], row
    assert weft.peer("tor")["bfd"]["state"] == "Up"
