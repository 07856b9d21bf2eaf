"""What two speakers may agree on beyond plain BGP: refreshes with markers."""

import struct

import pytest

from fabric import bgp, peers
from fabric.topo import PEER_AS, PERMIT, PODS, WEFT_AS, Pair, timers, wire
from fabric.wait import No, wait_until
from fabric.weft import Weft, config, peer

NETS = 5
ENHANCED = struct.pack("!BB", 70, 0)
REFRESH = struct.pack("!BB", 2, 0)


def count(weft, name, direction, kind):
    return weft.peer(name)["messages"][direction][kind]


def caps(asn, *more):
    return bgp.cap_mp("ipv4") + bgp.cap_mp("ipv6") + bgp.cap_as4(asn) + b"".join(more)


class Scripted:
    """weft and a peer whose every octet the test writes: one link, one session."""

    def __init__(self, lab, *more, asn=PEER_AS, **peer_options):
        self.w, self.p = lab.ns("weft"), lab.ns("peer")
        self.mine, self.other = wire(lab, self.w, "eth0", self.p, "eth0", 1)
        options = {"passive": True, "timers": timers(), "import": "all", **peer_options}
        self.weft = Weft(self.w, config("weft", WEFT_AS, self.mine, [
            peer("peer", self.other[0], asn, **options)], PODS, PERMIT)).start()
        self.asn, self.more = asn, more

    def connect(self):
        conn = bgp.connect(self.p, self.other[0], self.mine[0])
        conn.establish(self.asn, self.other[0], caps=caps(self.asn, *self.more))
        self.weft.wait_established("peer")
        return conn

    def announce(self, conn, *prefixes):
        conn.send(bgp.UPDATE, bgp.update_body(prefixes, next_hop=self.other[0],
                                              as_path=[self.asn]))

    def wait_routes(self, *prefixes):
        def same():
            have = sorted(r["prefix"] for r in self.weft.routes("--peer", "peer"))
            return have == sorted(prefixes) or No(have)
        wait_until(same, 5, f"weft has exactly {prefixes}")


def end_of_rib(body):
    """The family whose End-of-RIB (RFC 4724 section 2) an UPDATE's body is, or None."""
    if body == bgp.end_of_rib("ipv4"):
        return "ipv4"
    plain = len(body) in (10, 11) and body[:2] == b"\0\0" and body[5] == 15
    return "ipv6" if plain and body[-3:] == b"\0\2\1" else None


def marker(af, subtype):
    return struct.pack("!HBB", bgp.AFI[af], subtype, 1)


@pytest.mark.slice
def test_route_left_out_between_markers(lab):
    """RFC 7313: what is not sent again between Begin-of-RR and End-of-RR goes, and only that."""
    s = Scripted(lab, REFRESH, ENHANCED)
    conn = s.connect()
    nets = ["172.20.1.0/24", "172.20.2.0/24", "172.20.3.0/24"]
    s.announce(conn, *nets)
    conn.send(bgp.UPDATE, bgp.end_of_rib("ipv4"))
    s.wait_routes(*nets)
    conn.send(bgp.REFRESH, marker("ipv4", 1))
    s.announce(conn, nets[0], nets[2])
    conn.send(bgp.REFRESH, marker("ipv6", 2))   # the other family's end, without a begin
    conn.send(bgp.REFRESH, marker("ipv4", 9))   # unknown: ignored
    wait_until(lambda: count(s.weft, "peer", "in", "route_refresh") == 3, 5,
               "the markers came in")
    s.wait_routes(*nets)
    conn.send(bgp.REFRESH, marker("ipv4", 2))
    s.wait_routes(nets[0], nets[2])
    assert not conn.closed and conn.notification() is None
    names = [e["event"] for e in s.weft.events()]
    assert "refresh-removed" in names and "refresh-error" in names


@pytest.mark.slice
def test_markers_around_our_routes(lab):
    """Asked for everything again, weft sends it between the markers, after End-of-RIB."""
    s = Scripted(lab, REFRESH, ENHANCED)
    conn = s.connect()

    def kinds():
        """IPv4 alone: updates, End-of-RIB, subtypes of markers."""
        conn.poll(0.1)
        found = []
        for kind, body in conn.received:
            if kind == bgp.REFRESH:
                found.append(body[2])
            elif kind == bgp.UPDATE and end_of_rib(body) == "ipv4":
                found.append("eor")
            elif kind == bgp.UPDATE and bgp.nlri(PODS[:1]) in body:
                found.append("update")
        return found
    wait_until(lambda: "eor" in kinds() or No(kinds()), 5, "End-of-RIB without graceful restart")
    assert kinds() == ["update", "eor"]
    conn.send(bgp.REFRESH, marker("ipv4", 0))
    wait_until(lambda: kinds()[2:] == [1, "update", 2] or No(kinds()), 5, "everything again")


@pytest.mark.slice
def test_end_of_rib_with_an_empty_table(lab):
    """Nothing to announce, no graceful restart: the markers come all the same."""
    s = Scripted(lab)
    s.weft.config["advertisements"] = []
    s.weft.write_config()
    s.weft.weft("reload")
    conn = s.connect()

    def ends():
        conn.poll(0.1)
        return [end_of_rib(b) for k, b in conn.received if k == bgp.UPDATE]
    wait_until(lambda: ends() == ["ipv4", "ipv6"] or No(ends()), 5, "End-of-RIB of both families")


def test_refresh_of_bad_length(lab):
    """RFC 7313 section 5: 7/1 with the whole message."""
    s = Scripted(lab, REFRESH, ENHANCED)
    conn = s.connect()
    conn.send(bgp.REFRESH, marker("ipv4", 1) + b"x")
    body = conn.wait(bgp.NOTIFICATION)
    assert body == b"\x07\x01" + bgp.message(bgp.REFRESH, marker("ipv4", 1) + b"x")


# OpenBGPD 7.7 ignores requests for refreshes ("AID IPv4 unicast not negotiated"), which its
# authors called a mistake; it takes our markers.
ANSWERS = ("bird", "frr")
EXTRA = {"openbgpd": ("announce enhanced refresh yes",)}


@pytest.mark.parametrize("name", ["bird", "frr", "openbgpd"])
def test_refresh_both_ways(lab, name):
    """Agreed on with daemons that have it; asked for in both directions, nothing is lost."""
    pair = Pair(lab, peers.ALL[name], peers.networks(1, NETS), extra=EXTRA.get(name, ()))
    pair.weft.start()
    pair.daemon.start()
    pair.wait_up()
    before = pair.wait_counts({"ipv4": NETS, "ipv6": NETS})
    for side in pair.weft_side:
        shown = pair.weft.peer(side)
        assert shown["capabilities"]["enhanced_route_refresh"], shown["capabilities"]
        markers = 4 if pair.kind.one_session else 2
        got = count(pair.weft, side, "in", "route_refresh") + markers
        pair.weft.weft("peer", shown["name"], "refresh", "in")
        if name in ANSWERS:
            wait_until(lambda: count(pair.weft, side, "in", "route_refresh") >= got, 10,
                       f"{name} answers between markers")
        sent = count(pair.weft, side, "out", "route_refresh")
        pair.weft.weft("peer", shown["name"], "refresh", "out")
        wait_until(lambda: count(pair.weft, side, "out", "route_refresh") >= sent + markers,
                   10, "weft sends between markers")
        assert pair.weft.peer(side)["flaps"] == 0
    assert pair.wait_counts({"ipv4": NETS, "ipv6": NETS}) == before
