"""MRT files read by ourselves: every octet is accounted for. RFC 6396, RFC 8050."""

import collections
import ipaddress
import struct

from . import bgp, bmp

PEERS, IPV4, IPV6, IPV4_ADDPATH, IPV6_ADDPATH = 1, 2, 4, 8, 10
TABLE_DUMP_V2, BGP4MP_ET = 13, 17
STATE, MESSAGES = 5, {1: (False, False), 4: (True, False), 6: (False, True), 7: (True, True)}

Record = collections.namedtuple("Record", "time kind subtype body")
Path = collections.namedtuple("Path", "prefix peer since attrs next_hop path")
Said = collections.namedtuple("Said", "time peer local sent kind body as4")
State = collections.namedtuple("State", "time peer was now")


def records(data):
    at = 0
    while at < len(data):
        assert len(data) - at >= 12, f"a header is cut off at {at}"
        when, kind, subtype, length = struct.unpack("!IHHI", data[at:at + 12])
        body = data[at + 12:at + 12 + length]
        assert len(body) == length, f"a record is cut off at {at}"
        if kind == BGP4MP_ET:
            us = struct.unpack("!I", body[:4])[0]
            assert us < 1000000
            when, body = when + us / 1e6, body[4:]
        yield Record(when, kind, subtype, body)
        at += 12 + length


def table(data):
    """(peers, paths) of a TABLE_DUMP_V2 file."""
    found = list(records(data))
    assert found and all(r.kind == TABLE_DUMP_V2 for r in found)
    assert [r.subtype for r in found].count(PEERS) == 1 and found[0].subtype == PEERS
    peers = _peers(found[0].body)
    paths = []
    for n, r in enumerate(found[1:]):
        assert struct.unpack("!I", r.body[:4])[0] == n, "sequence numbers"
        paths += _rib(r, peers)
    return peers, paths


def _peers(body):
    view = struct.unpack("!H", body[4:6])[0]
    at = 6 + view
    n = struct.unpack("!H", body[at:at + 2])[0]
    at += 2
    out = []
    for _ in range(n):
        kind = body[at]
        size = 16 if kind & 1 else 4
        assert kind & 2, "a peer without 4-octet AS number"
        addr = ipaddress.ip_address(body[at + 5:at + 5 + size])
        out.append((str(addr), struct.unpack("!I", body[at + 5 + size:at + 9 + size])[0]))
        at += 9 + size
    assert at == len(body)
    return out


def _rib(r, peers):
    assert r.subtype in (IPV4, IPV6, IPV4_ADDPATH, IPV6_ADDPATH)
    v6, addpath = r.subtype in (IPV6, IPV6_ADDPATH), r.subtype >= IPV4_ADDPATH
    bits = r.body[4]
    at = 5 + (bits + 7) // 8
    prefix = bmp.prefixes(r.body[4:at], v6)[0]
    n = struct.unpack("!H", r.body[at:at + 2])[0]
    at += 2
    assert n > 0
    for _ in range(n):
        peer, since = struct.unpack("!HI", r.body[at:at + 6])
        at += 10 if addpath else 6
        length = struct.unpack("!H", r.body[at:at + 2])[0]
        attrs = bmp.attributes(r.body[at + 2:at + 2 + length])
        at += 2 + length
        hop = attrs.get(bmp.NEXT_HOP)
        if bmp.MP_REACH in attrs:       # cut to the next hop: RFC 6396 section 4.3.4
            mp = attrs[bmp.MP_REACH]
            assert mp[0] == len(mp) - 1 and mp[0] in (16, 32)
            hop = mp[1:17]
        yield Path(prefix, peers[peer], since, attrs, str(ipaddress.ip_address(hop)),
                   bmp.as_path(attrs[bmp.AS_PATH]))
    assert at == len(r.body)


def session(data):
    """Messages and changes of state of a recording, in order."""
    for r in records(data):
        assert r.kind == BGP4MP_ET and (r.subtype == STATE or r.subtype in MESSAGES), r
        as4, sent = MESSAGES.get(r.subtype, (True, False))
        at = 8 if as4 else 4
        afi = struct.unpack("!HH", r.body[at:at + 4])[1]
        size = {1: 4, 2: 16}[afi]
        at += 4
        peer, local = (str(ipaddress.ip_address(r.body[k:k + size])) for k in (at, at + size))
        at += 2 * size
        if r.subtype == STATE:
            assert len(r.body) == at + 4
            yield State(r.time, peer, *struct.unpack("!HH", r.body[at:]))
            continue
        kind, body, rest = bmp.bgp_message(r.body[at:])
        assert not rest
        yield Said(r.time, peer, local, sent, kind, body, as4)


def to_pcap(said, path):
    """The messages as TCP segments in a capture file: tshark 4.0 reads BGP there, and no MRT."""
    seq = collections.defaultdict(lambda: 1)
    with open(path, "wb") as f:
        f.write(struct.pack("!IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 1 << 18, 101))
        for m in said:
            data = bgp.message(m.kind, m.body)
            ends = (m.local, m.peer) if m.sent else (m.peer, m.local)
            ports = (1024, 179) if m.sent else (179, 1024)
            tcp = struct.pack("!HHIIBBHHH", *ports, seq[ends], seq[ends[::-1]], 0x50, 0x18, 65535, 0, 0)
            seq[ends] += len(data)
            packed = b"".join(ipaddress.ip_address(a).packed for a in ends)
            size = len(tcp) + len(data)
            ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + size, 0, 0, 64, 6, 0) if len(packed) == 8 \
                else struct.pack("!IHBB", 6 << 28, size, 6, 64)
            frame = ip + packed + tcp + data
            f.write(struct.pack("!IIII", int(m.time), int(m.time % 1 * 1e6), len(frame), len(frame)) + frame)
    return path
