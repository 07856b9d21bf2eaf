"""Scenarios of the matrix: each sets up a bench and asserts what features.py lists."""

import struct
import time

from fabric.peers import FAMILIES
from fabric.traffic import Capture
from fabric.topo import timers
from fabric.wait import No, holds_for, wait_until

from bench import A_AS, B_AS, DAEMON_AS, NETS, PODS, WEFT_AS, Bench
import probe as wire

ROUTE = "10.50.0.0/24"
V6 = "fd50::/64"


def community(*pairs):
    return (0xc0, wire.COMMUNITIES, b"".join(struct.pack("!HH", *p) for p in pairs))


# ---- sessions ---------------------------------------------------------------------


def session(run):
    """weft dials over IPv4, both families on one session, hold time 3 s."""
    b = Bench(run, ["families"], passive="daemon", peer={"timers": timers(hold="3s", keepalive="1s")})
    b.start()
    began, since = time.monotonic(), b.peer()["established_count"]
    with run.check("ipv4"):
        b.counted()
    with run.check("families"):
        p = b.peer()
        assert all(p["families"][f]["negotiated"] for f in FAMILIES)
        assert b.has(NETS[1])["next_hop"] and b.got(PODS[1])
        assert all(b.has(n)["valid"] for n in NETS)
    with run.check("as4"):
        assert b.peer()["capabilities"]["as4"] and b.peer()["as"] == DAEMON_AS
        assert b.got(PODS[0])["as_path"] == [WEFT_AS]
        assert b.has(NETS[0])["as_path"] == str(DAEMON_AS)
    with run.check("eor"):
        wait_until(lambda: all(b.peer()["families"][f]["eor_received"] and
                               b.peer()["families"][f]["eor_sent"] for f in FAMILIES),
                   5, "weft sent and got End-of-RIB")
        wait_until(lambda: b.view.eor(b.me) == set(FAMILIES) or No(b.view.eor(b.me)), 5,
                   "the daemon got End-of-RIB of both families", every_s=0.1)
    with run.check("hold3"):
        assert b.peer()["hold_s"] == 3 and b.view.hold(b.me) == 3
        left = 4 - (time.monotonic() - began)
        holds_for(lambda: b.peer()["state"] == "Established" and
                  b.peer()["established_count"] == since, max(left, 0.5), "it stays up")


def session6(run):
    """The daemon dials over IPv6, weft waits."""
    b = Bench(run, transport=6, passive="weft", families=["ipv6"],
              networks=NETS[1:]).start()
    with run.check("ipv6"):
        b.counted()
        assert ":" in b.peer()["local_address"]
    with run.check("passive"):
        assert b.peer()["local_port"] == 179
    with run.check("ll"):
        row = b.has(NETS[1])
        assert row["next_hop"].startswith(("fd09:2::2", "fe80")), row
        hops = [x.partition("%")[0] for x in b.got(PODS[1]).get("next_hops", [])] or \
            [b.got(PODS[1])["next_hop"]]
        assert b.mine[1] in hops or hops[0].startswith("fe80"), hops


def plain(run):
    """A peer that sends an OPEN without any optional parameter."""
    b = Bench(run, ["plain"], weft_as=64801, daemon_as=64802, families=["ipv4"],
              neighbor={"gr": False}).start()
    with run.check("plain"):
        caps = b.peer()["capabilities"]
        assert not caps["as4"] and not caps["route_refresh"] and not caps["graceful_restart"]
        assert b.has(NETS[0])["as_path"] == "64802"
        assert b.got(PODS[0])["as_path"] == [64801]


def md5(run):
    """The same key on both sides, then another one, then the same again."""
    key = f"{run.lab.dir}/weft/key"
    b = Bench(run, ["md5"], neighbor={"password": "interop"},
              peer={"password": {"file": key}, "ttlSecurity": "off"})
    with open(key, "w") as f:
        f.write("interop")
    b.start()
    with run.check("md5"):
        b.counted()
    with run.check("md5-wrong"):
        b.mark()
        with open(key, "w") as f:
            f.write("another")
        b.weft.weft("reload")
        b.weft.weft("peer", "peer", "reset")
        wait_until(lambda: not b.daemon.established(b.me), 12, "the session ends")
        holds_for(lambda: b.peer()["state"] != "Established" and not b.daemon.established(b.me),
                  2, "nobody comes up")
        assert b.peer()["reason"]
        with open(key, "w") as f:
            f.write("interop")
        b.weft.weft("reload")
        b.again()


def gtsm(run):
    """Both ends send TTL 255 and refuse less."""
    b = Bench(run, ["gtsm"], peer={"ttlSecurity": 1})
    capture = Capture(b.w, "eth0", "tcp port 179 and not ip6 and tcp[tcpflags] & tcp-push != 0")
    b.start()
    with run.check("gtsm"):
        b.counted()

        def both():
            ttl = {}
            for p in capture.packets():
                ttl.setdefault(p.src, set()).add(p.ttl)
            return ttl.get(b.me) == {255} and 255 in ttl.get(b.addr, ()) or No(ttl)
        wait_until(both, 5, "packets of both ends have TTL 255")


def multihop(run):
    """eBGP between loopback addresses, which are one hop farther away."""
    b = Bench(run, ["multihop"], neighbor={"multihop": True},
              peer={"ebgpMultihop": 8, "sourceAddress": "10.9.90.1"}, families=["ipv4"],
              networks=NETS[:1])
    _far_away(b)
    b.start()
    with run.check("multihop"):
        b.counted()
        assert b.peer()["local_address"] == "10.9.90.1"


# ---- BFD -------------------------------------------------------------------------------


FAST = {"receiveInterval": 50, "transmitInterval": 50, "detectMultiplier": 3}


def _bfd_row(b):
    return next(r for r in b.weft.json("bfd")["bfd"] if r["peer"] == "peer")


def _bfd_agreed(b, ms, theirs_ms, ours_ms):
    """Both up, packets every ms both ways; how long the daemon and weft wait for one."""
    def same():
        w, d = _bfd_row(b), b.view.bfd(b.me)
        return (w["state"] == "Up" and w["transmit_us"] == 1000 * ms and d["up"] and
                w["detection_us"] == 1000 * ours_ms and d["interval_ms"] == ms and
                d["detect_ms"] == theirs_ms and not w["polling"]) or No((w, d))
    wait_until(same, 15, f"{ms} ms on both ends", every_s=0.1)


def _bfd_profile(b, **settings):
    b.weft.config["bfdProfiles"]["fast"] = {**FAST, **settings}
    b.weft.write_config()
    b.weft.weft("reload")


def _bfd_bench(run, feature, **more):
    peer = {"bfd": "fast", **more.pop("peer", {})}
    return Bench(run, [feature], peer=peer, more={"bfdProfiles": {"fast": FAST}}, **more)


def bfd(run):
    """A session of single hop: its figures, changes, a new process, and a failure."""
    b = _bfd_bench(run, "bfd").start()
    with run.check("bfd"):
        _bfd_agreed(b, 50, 150, 150)
        row = _bfd_row(b)
        assert not row["multihop"] and row["address"] == b.addr and row["downs"] == 0, row
    since, sessions = b.view.bfd(b.me).get("since"), b.peer()["established_count"]

    def undisturbed():
        assert b.view.bfd(b.me)["since"] == since and _bfd_row(b)["downs"] == 0
        assert b.peer()["established_count"] == sessions
    with run.check("bfd-change"):
        _bfd_profile(b, receiveInterval=100, transmitInterval=100, detectMultiplier=5)
        _bfd_agreed(b, 100, 500, 300)
        undisturbed()
        _bfd_profile(b)
        _bfd_agreed(b, 50, 150, 150)
        undisturbed()
    with run.check("bfd-resume"):
        b.weft.kill("weft-bfdd")
        wait_until(lambda: _bfd_row(b)["resumed"], 5, "the next process goes on")
        _bfd_agreed(b, 50, 150, 150)
        undisturbed()
    with run.check("bfd-loss"):
        b.mark()
        b.d.run("iptables", "-A", "OUTPUT", "-p", "udp", "--dport", "3784", "-j", "DROP")
        wait_until(lambda: _bfd_row(b)["downs"] == 1, 2, "weft sees it")
        assert _bfd_row(b)["last_down_diagnostic"] == "Control Detection Time Expired"
        wait_until(lambda: not b.view.bfd(b.me)["up"], 2, "the daemon sees it")
        b.why_event("BFD")
        b.d.run("iptables", "-F")
        b.again()
        _bfd_agreed(b, 50, 150, 150)


def bfd6(run):
    """The same beginning over IPv6."""
    b = _bfd_bench(run, "bfd6", transport=6, families=["ipv6"], networks=NETS[1:]).start()
    with run.check("bfd6"):
        _bfd_agreed(b, 50, 150, 150)


def bfd_multihop(run):
    """Between loopback addresses; BIRD sends with a TTL of 64."""
    b = _bfd_bench(run, "bfd-multihop", neighbor={"multihop": True}, families=["ipv4"],
                   networks=NETS[:1], peer={"ebgpMultihop": 8, "sourceAddress": "10.9.90.1"})
    b.weft.config["bfdProfiles"]["fast"] = {**FAST, "minimumTtl": 60}
    _far_away(b)
    b.start()
    with run.check("bfd-multihop"):
        _bfd_agreed(b, 50, 150, 150)
        assert _bfd_row(b)["multihop"]


def bfd_auth(run):
    """Every type, each of them until packets were taken on both ends for a while."""
    key = f"{run.lab.dir}/weft/bfd.key"
    b = _bfd_bench(run, "bfd-auth")
    with open(key, "w") as f:
        f.write("interop")
    b.start()
    text = b.daemon.options["text"]
    plain = text["global"]
    with run.check("bfd-auth"):
        for ours, theirs in (("meticulous-sha1", "meticulous keyed sha1"), ("keyed-sha1", "keyed sha1"),
                             ("meticulous-md5", "meticulous keyed md5"), ("keyed-md5", "keyed md5")):
            text["global"] = plain.replace(
                "multiplier 3;", f'multiplier 3; authentication {theirs}; password "interop" {{ id 3; }};', 1)
            b.daemon.configure()
            b.daemon.birdc("configure")
            _bfd_profile(b, authentication={"type": ours, "keyID": 3, "password": {"file": key}})
            wait_until(lambda: _bfd_row(b)["authentication"] == ours, 5, f"weft uses {ours}")
            _bfd_agreed(b, 50, 150, 150)
            n = _bfd_row(b)["packets_in"]
            wait_until(lambda: _bfd_row(b)["packets_in"] > n + 10, 5, f"weft takes {theirs}")
            _bfd_agreed(b, 50, 150, 150)


# ---- sessions of other kinds -------------------------------------------------------------


def _far_away(b):
    """Move both ends of the session to addresses behind the link's."""
    b.me, b.addr = "10.9.90.1", "10.9.90.2"
    b.w.ip("addr", "add", f"{b.me}/32", "dev", "lo")
    b.d.ip("addr", "add", f"{b.addr}/32", "dev", "lo")
    b.w.ip("route", "add", b.addr, "via", b.other[0])
    b.d.ip("route", "add", b.me, "via", b.mine[0])
    b.weft.config["peers"][0]["peerIP"] = b.addr
    n = b.daemon.neighbors[0]
    n.addr, n.local = b.me, b.addr


def linklocal(run):
    """A session between link-local addresses."""
    b = Bench(run, ["linklocal"], transport=6, families=["ipv6"], networks=NETS[1:], install=True)
    for ns, address in (b.w, "fe80::1"), (b.d, "fe80::2"):
        ns.ip("-6", "addr", "flush", "dev", "eth0", "scope", "link")
        ns.ip("addr", "add", f"{address}/64", "dev", "eth0", "nodad")
    b.weft.config["peers"][0].update(peerIP="fe80::2", interface="eth0")
    n = b.daemon.neighbors[0]
    b.me = n.addr = "fe80::1" if run.daemon == "frr" else "fe80::1%eth0"
    b.addr = n.local = "fe80::2" if run.daemon == "frr" else "fe80::2%eth0"
    whole = run.cell("linklocal").text("whole")
    if whole:
        b.d.run("ping", "-c", "1", "fe80::1%eth0")      # it looks for its neighbour's entry
        b.daemon.configure = lambda: setattr(b.daemon, "conf",
                                             b.daemon.write("gobgp.toml", whole))
    b.start(up=False)
    with run.check("linklocal"):
        b.weft.wait_established("peer")
        assert b.peer()["local_address"].startswith("fe80::1")
        assert b.has(NETS[1], lambda r: r["valid"])["dev"] == "eth0"
        b.got(PODS[1])
        wait_until(lambda: b.w.routes(NETS[1], family=6), 5, "the kernel has it")


# ---- restart and refresh -----------------------------------------------------------


def helper(run):
    """The daemon dies without a word and comes back: weft keeps its routes meanwhile."""
    b = Bench(run, ["gr-helper"]).start()
    b.has(NETS[0])
    with run.check("gr-helper"):
        b.daemon.kill()
        b.has(NETS[0], lambda r: r["stale"] and r["valid"])
        b.daemon.options["recover"] = True
        b.daemon.start()
        b.wait_up()
        b.has(NETS[0], lambda r: not r["stale"])
        wait_until(lambda: not any(r["stale"] for r in b.weft.routes()), 5, "nothing is stale")


def restarting(run):
    """weft's bgpd dies and comes back: the daemon keeps weft's routes meanwhile."""
    b = Bench(run, ["gr-restarting"], neighbor={"hold": 30},
              bgp={"gracefulRestart": {"restartTime": "30s"}}).start()
    b.got(PODS[0])
    with run.check("gr-restarting"):
        b.weft.kill()
        wait_until(lambda: not b.daemon.established(b.me), 10, "the daemon sees it go")
        holds_for(lambda: b.view.attrs(PODS[0]), 1, "and keeps its routes")
        b.weft.start()
        b.wait_up(deadline_s=20)
        b.got(PODS[0])
        wait_until(lambda: b.peer()["families"]["ipv4"]["eor_sent"], 15, "weft has sent all")
        b.got(PODS[0])


def planned(run):
    """weft is stopped for a prepared restart: it says so, and the daemon keeps its routes."""
    b = Bench(run, ["gr-notification"], neighbor=own_restart(run)).start()
    b.got(PODS[0])
    with run.check("gr-notification"):
        assert b.peer()["gr"]["notification"], "no N bit in its OPEN"
        b.weft.weft("prepare-restart")
        assert b.weft.stop() == 0
        wait_until(lambda: not b.daemon.established(b.me), 10, "the daemon sees it go")
        holds_for(lambda: b.view.attrs(PODS[0]), 1, "and keeps its routes")
        b.weft.start()
        b.wait_up(deadline_s=30)
        b.got(PODS[0])


def own_restart(run):
    """GoBGP's cells have the whole of its settings for restarts."""
    return {"gr": run.daemon != "gobgp"}


STALE = {"65535:6", "llgrStale"}        # as FRR shows it
LONG = {"gracefulRestart": {"restartTime": "2s", "longLived": "90s"}}


def longlived(run):
    """The daemon dies and stays away for longer than its restart time."""
    b = Bench(run, ["llgr-helper"], neighbor=own_restart(run), bgp=LONG).start()
    b.has(NETS[0])
    with run.check("llgr-helper"):
        assert b.peer()["families"]["ipv4"]["llgr_peer_s"] == 40
        b.daemon.kill()
        b.has(NETS[0], lambda r: r["stale_of_s"] == 40 and r["long_lived_stale"] and r["best"])


def longlived_ours(run):
    """weft dies and stays away for longer than its restart time."""
    b = Bench(run, ["llgr-helper"], neighbor=own_restart(run), bgp=LONG).start()
    b.got(PODS[0])
    with run.check("llgr-restarting"):
        b.weft.kill()
        b.got(PODS[0], lambda a: STALE & set(a["communities"]))
        b.weft.start()
        b.wait_up(deadline_s=30)
        b.got(PODS[0], lambda a: not STALE & set(a["communities"]))


def refresh(run):
    """Each side asks the other for its routes again."""
    b = Bench(run, ["refresh-theirs"]).start()
    b.counted()
    p, since = b.peer(), b.peer()["established_count"]
    with run.check("refresh-theirs"):
        assert p["capabilities"]["route_refresh"]
        n = p["messages"]
        if run.wants("refresh-theirs"):
            b.view.refresh(b.me)
            wait_until(lambda: b.peer()["messages"]["in"]["route_refresh"] >
                       n["in"]["route_refresh"] and b.peer()["messages"]["out"]["update"] >
                       n["out"]["update"], 8, "weft was asked and sent UPDATEs again")
            b.counted()
    with run.check("refresh-ours"):
        if not run.wants("refresh-ours"):
            return
        before, asked = b.peer()["messages"]["in"]["update"], b.view.refreshes(b.me)
        b.weft.weft("peer", "peer", "refresh", "in")
        wait_until(lambda: b.peer()["messages"]["in"]["update"] > before, 8,
                   "the daemon sent UPDATEs again")
        wait_until(lambda: b.view.refreshes(b.me) > asked or No(b.view.refreshes(b.me)), 5,
                   "the daemon counts the request")
        assert b.peer()["established_count"] == since
        b.counted()


# ---- attributes ---------------------------------------------------------------------

ATTRIBUTES = ["communities", "large", "ext", "prepend", "no-export", "no-advertise", "gshut", "med",
              "aggregate", "unknown", "blackhole"]
NET = {name: f"172.21.{i}.0/24" for i, name in enumerate(ATTRIBUTES, 10)}
TAGS = ("no-export", "no-advertise")
NET["blackhole"] = "172.21.30.1/32"
SENT = {name: f"10.50.{i}.0/24" for i, name in enumerate(ATTRIBUTES, 10)}


def attributes(run):
    """Probe A's routes go through weft to the daemon, the daemon's through weft to probe A."""
    words = {NET[n]: run.cell(n).text("route") for n in ATTRIBUTES if run.cell(n).text("route")}
    b = Bench(run, ATTRIBUTES, networks=[NET[n] for n in ATTRIBUTES if n in TAGS or NET[n] in words],
              attributes=words, a={}, b={}).start()
    a = b.a
    a.announce([SENT["communities"]], attrs=[community((65000, 1), (65000, 2))])
    a.announce([SENT["large"]], attrs=[(0xc0, wire.LARGE_COMMUNITIES,
                                        struct.pack("!III", 4200000009, 1, 2))])
    a.announce([SENT["ext"]], attrs=[(0xc0, wire.EXT_COMMUNITIES,
                                      bytes.fromhex("0002fde800000064"))])
    a.announce([SENT["prepend"]], as_path=(A_AS, A_AS, A_AS, 64999))
    a.announce([SENT["no-export"]], attrs=[community((65535, 65281))])
    a.announce([SENT["no-advertise"]], attrs=[community((65535, 65282))])
    a.announce([SENT["gshut"]], attrs=[community((65535, 0))])
    a.announce([SENT["med"]], attrs=[(0x80, wire.MED, struct.pack("!I", 77))])
    a.announce([SENT["aggregate"]], attrs=[
        (0x40, wire.ATOMIC, b""), (0xc0, wire.AGGREGATOR, struct.pack("!I4s", A_AS, b"\1\2\3\4"))])
    a.announce([SENT["unknown"]], attrs=[(0xc0, 250, b"weft")])
    a.end_of_rib()
    if b.b:
        b.b.announce([NET["aggregate"]], attrs=[
            (0x40, wire.ATOMIC, b""),
            (0xc0, wire.AGGREGATOR, struct.pack("!I4s", B_AS, b"\4\3\2\1"))])
        b.b.announce([NET["unknown"]], attrs=[(0xc0, 250, b"weft")])
    for name in ("communities", "large", "ext"):
        with run.check(name):
            _carried(b, name)
    with run.check("unknown"):
        _unknown(b)
    with run.check("prepend"):
        assert b.got(SENT["prepend"])["as_path"] == [WEFT_AS, A_AS, A_AS, A_AS, 64999]
        heard = wire.asns(a.wait_route(NET["prepend"])[wire.AS_PATH][1])
        assert len(heard) == 4 and set(heard[1:]) == {DAEMON_AS}, heard
        assert b.has(NET["prepend"])["as_path"].split() == [str(DAEMON_AS)] * 3
    for name in ("no-export", "no-advertise"):
        with run.check(name):
            assert b.has(NET[name])["valid"]
            a.wait_route(NET["communities"]) if run.wants("communities") else None
            b.never(lambda: NET[name] in a.rib, f"{name} goes to no other AS")
            b.never(lambda: b.view.attrs(SENT[name]), f"nor from weft to the daemon", 0.2)
    with run.check("gshut"):
        assert b.has(NET["gshut"])["local_pref"] == 0
        assert "65535:0" in b.got(SENT["gshut"])["communities"]
    with run.check("med"):
        assert b.has(NET["med"])["med"] == 42
        assert wire.MED not in a.wait_route(NET["med"]), "MED goes to no third AS"
        assert not b.got(SENT["med"]).get("med"), "MED goes to no third AS"
    with run.check("blackhole"):
        def refused():
            rows = [r for r in b.rows(NET["blackhole"], "--rejected") if r["from"] == "peer"]
            return rows and "blackhole" in rows[0]["reject_reason"] or No(rows)
        wait_until(refused, 8, "not taken unless acceptBlackhole says so")
        before = b.reload(acceptBlackhole=True)
        b.has(NET["blackhole"], lambda r: r["valid"])
        b.never(lambda: NET["blackhole"] in a.rib, "it goes to no other AS", 0.5)
        b.assert_untouched(before)
    with run.check("aggregate"):
        assert b.got(SENT["aggregate"], lambda x: x.get("atomic"))["aggregator"] == \
            f"1.2.3.4 AS{A_AS}"
        heard = a.wait_route(NET["aggregate"])
        assert heard[wire.AGGREGATOR][1] == struct.pack("!I4s", B_AS, b"\4\3\2\1"), heard
        assert wire.ATOMIC in heard


def _carried(b, name):
    """A community attribute arrives at the other end as it was sent, both ways."""
    key, code, decode, want_a, want_d = {
        "communities": ("communities", wire.COMMUNITIES, wire.communities,
                        ["65000:1", "65000:2"], ["64900:7", "64900:8"]),
        "large": ("large", wire.LARGE_COMMUNITIES, wire.large, ["4200000009:1:2"],
                  ["4200000008:3:4"]),
        "ext": ("ext", wire.EXT_COMMUNITIES, bytes.hex, ["rt:65000:100"], "0002fd84000000c8"),
    }[name]
    assert b.got(SENT[name])[key] == want_a
    assert decode(b.a.wait_route(NET[name])[code][1]) == want_d
    if name != "ext":
        assert b.has(NET[name])["communities" if name == "communities" else "large_communities"] \
            == want_d


def _unknown(b):
    """An attribute that nobody knows: passed on, Partial set; FRR shows it to probe B only."""
    if b.run.daemon == "frr":
        flags, value = b.b.wait_route(SENT["unknown"])[250]
        assert flags & wire.PARTIAL and value == b"weft"
    else:
        a = b.got(SENT["unknown"])
        assert a["unknown"] == {250: b"weft"}, a
        assert a.get("unknown_flags", 0xe0) & wire.PARTIAL
    flags, value = b.a.wait_route(NET["unknown"])[250]
    assert flags == 0xe0 and value == b"weft", (flags, value)


def loop(run):
    """Paths with an AS of the receiver are refused, by weft and by the daemon."""
    words = {NETS[0]: run.cell("as-loop").text("route")}
    b = Bench(run, networks=["172.21.99.0/24"], attributes=words, a={}, b={})
    if words[NETS[0]]:
        b.daemon.networks.append(NETS[0])
    b.start()
    if b.b:
        b.b.announce([NETS[0]], as_path=(B_AS, WEFT_AS))
    b.a.announce(["10.50.1.0/24"], as_path=(A_AS, DAEMON_AS))
    b.a.announce([ROUTE])
    with run.check("as-loop"):
        b.got(ROUTE)
        b.has("172.21.99.0/24")

        def refused():
            rows = [r for r in b.rows(NETS[0], "--rejected") if r["from"] == "peer"]
            return rows and "AS loop" in rows[0]["reject_reason"] or No(rows)
        wait_until(refused, 8, "weft refuses the path with its own AS")
        b.never(lambda: (b.view.attrs("10.50.1.0/24") or {}).get("used"), "nobody uses it", 0.2)
        assert NETS[0] not in b.a.rib


def internal(run):
    """iBGP: LOCAL_PREF and MED go both ways; what came by iBGP goes to no iBGP peer."""
    words = {NETS[0]: run.cell("ibgp").text("route")}
    b = Bench(run, ["ibgp"], daemon_as=WEFT_AS, networks=[NETS[0]], attributes=words,
              a={"asn": WEFT_AS, "internal": True},
              more={"advertisements": [{"type": "PodCIDR", "localPref": 250, "med": 9}]}).start()
    with run.check("ibgp"):
        b.a.announce([ROUTE])
        assert b.peer()["type"] == "ibgp"
        got = b.got(PODS[0])
        assert got["local_pref"] == 250 and got["med"] == 9 and got["as_path"] == [], got
        row = b.has(NETS[0])
        assert row["local_pref"] == 300 and row["med"] == 30, row
        b.has(ROUTE, source="probe")
        b.never(lambda: NETS[0] in b.a.rib or b.view.attrs(ROUTE), "nothing is reflected")


def reflector(run):
    """weft reflects between its clients: the daemon and probe A."""
    b = Bench(run, daemon_as=WEFT_AS, peer={"routeReflectorClient": True},
              bgp={"clusterID": "10.255.0.1"},
              a={"asn": WEFT_AS, "internal": True, "peer": {"routeReflectorClient": True}}).start()
    b.a.announce([ROUTE], next_hop="10.9.1.1")
    with run.check("reflector"):
        heard = b.a.wait_route(NETS[0])
        assert wire.addresses(heard[wire.ORIGINATOR_ID][1]) == [b.other[0]]
        assert wire.addresses(heard[wire.CLUSTER_LIST][1]) == ["10.255.0.1"]
        assert wire.addresses(heard[wire.NEXT_HOP][1]) == [b.other[0]], "the next hop is kept"
        got = b.got(ROUTE)
        assert got["originator"] == "10.9.1.1" and got["clusters"] == ["10.255.0.1"], got
        assert got["next_hop"] == "10.9.1.1"


def client(run):
    """The daemon reflects between weft and probe B; then with weft's own cluster id."""
    b = Bench(run, ["rr-client"], daemon_as=WEFT_AS, bgp={"clusterID": "10.255.0.9"},
              b={"asn": WEFT_AS, "internal": True},
              b_neighbor={"text": run.cell("rr-client").places}).start()
    with run.check("rr-client"):
        b.b.announce([ROUTE])
        b.has(ROUTE)
        shown = b.weft.route(ROUTE)
        assert "10.9.3.1" in str(shown) and "10.255.0.1" in str(shown), shown
        heard = b.b.wait_route(PODS[0])
        assert wire.addresses(heard[wire.ORIGINATOR_ID][1]) == [b.mine[0]]
    with run.check("cluster-loop"):
        b.b.announce(["10.50.2.0/24"], attrs=[
            (0x80, wire.ORIGINATOR_ID, bytes([10, 9, 3, 1])),
            (0x80, wire.CLUSTER_LIST, bytes([10, 255, 0, 9]))])
        b.b.announce(["10.50.3.0/24"], attrs=[
            (0x80, wire.ORIGINATOR_ID, bytes(map(int, b.mine[0].split("."))))])

        def reason(prefix):
            return "".join(r["reject_reason"] for r in b.rows(prefix, "--rejected"))
        wait_until(lambda: "CLUSTER_LIST" in reason("10.50.2.0/24"), 8, "own cluster id refused")
        if run.daemon != "frr":         # FRR does not send a route to its originator
            wait_until(lambda: "ORIGINATOR_ID" in reason("10.50.3.0/24")
                       or not b.rows("10.50.3.0/24"), 8, "own ORIGINATOR_ID refused")


# ---- closing ------------------------------------------------------------------------


def limit_ours(run):
    """The daemon sends more than weft takes: Cease 6/1, and the daemon says so."""
    nets = [f"172.21.{i}.0/24" for i in range(5)]
    b = Bench(run, networks=nets, neighbor={"gr": False},
              peer={"maxPrefixes": {"limit": 3, "action": "restart", "after": "1m"}})
    b.start(up=False)
    with run.check("limit-ours"):
        b.why("prefix")
        b.said(PREFIX_LIMIT)
        assert b.peer()["state"] != "Established"


def limit_theirs(run):
    """weft sends more than the daemon takes: Cease 6/1, and weft says so."""
    prefixes = [f"10.244.{i}.0/24" for i in range(2, 8)]
    b = Bench(run, ["limit-theirs"], neighbor={"gr": False}, peer={"gracefulRestart": {"enabled": False}},
              more={"advertisements": [{"type": "Prefix", "prefixes": prefixes}]})
    b.start(up=False)
    with run.check("limit-theirs"):
        b.why("maximum number of prefixes")


# As RFC 4486 calls it, and as OpenBGPD, BIRD, GoBGP and ExaBGP do.
PREFIX_LIMIT = ["maximum number of prefixes", "max-prefix", "prefix limit", "subcode 1(", "(6,1)"]


def closing(run):
    """Administrative shutdown and reset, from each side, with and without words."""
    b = Bench(run, passive="weft", neighbor={"gr": False}).start()
    text = "rack 7: neue Firmware, zurück um 9"
    shown = [text, text.replace("ü", r"\M-C\M-<"), text.replace("ü", r"\xc3\xbc"),
             text.replace("ü", r"\303\274")]        # as they show it

    def up():
        b.weft.weft("peer", "peer", "up", check=False)
        b.again()
    with run.check("shutdown"):
        b.mark()
        b.weft.weft("peer", "peer", "down")
        b.said(["administrative shutdown", "administratively down", "administratively shut"])
        up()
    with run.check("shutdown-ours"):
        if run.wants("shutdown-ours"):
            b.mark()
            b.weft.weft("peer", "peer", "down", "--reason", text)
            b.said(shown)
            up()
    with run.check("reset"):
        b.mark()
        b.weft.weft("peer", "peer", "reset")
        b.said(["administrative reset", "administratively reset", "subcode 4(", "(6,4)"])
        up()
        b.mark()
        b.view.restart(b.me)
        b.why_event("administrative reset")
        up()
    with run.check("deconfigured"):
        peers, b.weft.config["peers"] = b.weft.config["peers"], []
        b.weft.write_config()
        b.weft.weft("reload")
        b.said(["de-configured", "deconfigured", "unconfigured", "subcode 3(", "(6,3)"])
        b.weft.config["peers"], b.sessions = peers, 0
        b.weft.write_config()
        b.weft.weft("reload")
        b.again()
    with run.check("shutdown-theirs"):
        if run.wants("shutdown-theirs"):
            b.view.shutdown(b.me, text)
            b.why(text)


# ---- numbers ------------------------------------------------------------------------


def many(run):
    """10,000 prefixes each way."""
    mine = [f"10.{100 + i // 256 // 16}.{i // 256 % 16 * 16 + i // 16 % 16}.{i % 16 * 16}/28"
            for i in range(10000)]
    nets = [f"172.{16 + i // 4096}.{i // 16 % 256}.{i % 16 * 16}/28" for i in range(10000)]
    b = Bench(run, networks=nets if run.daemon == "exabgp" else [], a={}, b={}, families=["ipv4"],
              neighbor={"hold": 90}, peer={"timers": timers(hold="90s")}).start()
    for i in range(0, len(mine), 700):
        b.a.announce(mine[i:i + 700])
        if b.b:
            b.b.announce(nets[i:i + 700])
    b.a.end_of_rib()
    with run.check("many"):
        wait_until(lambda: b.weft.accepted("peer")["ipv4"] == 10000
                   or No(b.weft.accepted("peer")), 40, "weft has 10,000 prefixes", every_s=0.2)
        wait_until(lambda: b.daemon.received(b.me)["ipv4"] == 10001
                   or No(b.daemon.received(b.me)), 40, "the daemon has 10,001", every_s=0.3)
        wait_until(lambda: len([p for p in b.a.rib if p.startswith("172.")]) == 10000, 20,
                   "the probe heard all of the daemon's")
        b.a.withdraw(mine[:700])
        wait_until(lambda: b.daemon.received(b.me)["ipv4"] == 9301
                   or No(b.daemon.received(b.me)), 20, "700 are withdrawn", every_s=0.3)


# ---- extensions ---------------------------------------------------------------------


def addpath(run):
    """Two paths of one prefix, from the daemon to weft and from weft to the daemon."""
    words = run.cell("addpath-rx").text("route")
    b = Bench(run, ["addpath-rx"], a={}, b={}, second=True,
              peer={"addPath": {"receive": True, "send": "all"}},
              networks=[NETS[0]] if words else [], attributes={NETS[0]: words}, families=["ipv4"])
    if words:           # one prefix, announced twice
        b.daemon.networks.append(NETS[0])
        twice = iter(words.split("|"))
        b.daemon.with_routes = lambda family: [(NETS[0], w) for w in twice]
    b.start()
    b.a.announce([ROUTE])
    b.a2.announce([ROUTE])
    if b.b:
        b.b.announce([NETS[0]])
        b.b2.announce([NETS[0]])
    with run.check("addpath-rx"):
        def two():
            rows = [r for r in b.rows(NETS[0]) if r["from"] == "peer" and r["valid"]]
            return len({r["as_path"] for r in rows}) == 2 or No(rows)
        wait_until(two, 8, "weft has two paths of the daemon's")
    with run.check("addpath-tx"):
        def both():
            firsts = {a["as_path"][-1] for a in b.view.paths(ROUTE) if a.get("as_path")}
            return {A_AS, A_AS + 1} <= firsts or No(firsts)
        wait_until(both, 8, "the daemon has two paths of weft's", every_s=0.1)


BIG = [(65000, i) for i in range(1500)]        # 6,000 octets of communities


def big(run):
    """Attributes of more than 4,096 octets, in one message, both ways."""
    ext = {"more_caps": bytes([6, 0])}
    words = run.cell("extended").text("route")
    b = Bench(run, ["extended"], a=ext, b=ext, networks=[NETS[0]] if words else [],
              attributes={NETS[0]: words},
              b_neighbor={"text": run.cell("extended").places}).start()
    b.a.announce([ROUTE], attrs=[community(*BIG)])
    if b.b:
        b.b.announce([NETS[0]], attrs=[community(*BIG)])
    with run.check("extended"):
        assert b.peer()["capabilities"]["extended_message"], b.peer()["capabilities"]
        if run.daemon == "bird":                # it shows as many as fit a line
            assert len(b.b.wait_route(ROUTE)[wire.COMMUNITIES][1]) == 6000
        else:
            assert len(b.got(ROUTE)["communities"]) == 1500
        assert len(b.a.wait_route(NETS[0])[wire.COMMUNITIES][1]) == 6000


def enhanced(run):
    """Route refresh between markers, asked for by each side."""
    b = Bench(run, ["enhanced"]).start()
    b.counted()
    with run.check("enhanced"):
        p = b.peer()
        assert p["capabilities"]["enhanced_route_refresh"]
        b.view.refresh(b.me)
        wait_until(lambda: b.peer()["messages"]["in"]["route_refresh"] >
                   p["messages"]["in"]["route_refresh"], 8, "weft was asked")
        wait_until(lambda: b.peer()["messages"]["out"]["route_refresh"] >=
                   p["messages"]["out"]["route_refresh"] + 4, 8,
                   "weft sent two markers for each family")
        if run.daemon != "openbgpd":            # it answers no request: see refresh-ours
            before = b.peer()["messages"]["in"]["route_refresh"]
            b.weft.weft("peer", "peer", "refresh", "in")
            wait_until(lambda: b.peer()["messages"]["in"]["route_refresh"] >= before + 4, 8,
                       "the daemon sent two markers for each family")
        b.counted()
        b.assert_untouched(p)


def roles(run):
    """weft is the daemon's customer: what it gets carries OTC, and goes to no provider."""
    b = Bench(run, ["roles"], peer={"role": "customer"},
              a={"peer": {"role": "provider"}, "more_caps": bytes([9, 1, 3])}, second=False)
    b.weft.config["peers"].append(
        {"name": "up", "peerIP": "10.9.1.3", "asNumber": A_AS + 1, "passive": True,
         "role": "customer", "import": "all", "export": "all"})
    b.a_ns.addr("eth0", "10.9.1.3/24")
    b.start()
    with run.check("roles"):
        up = wire.Probe(b.a_ns, "10.9.1.3", b.a_other[0], A_AS + 1, "10.9.1.3",
                        more_caps=bytes([9, 1, 0]))
        heard = b.a.wait_route(NETS[0])
        assert struct.unpack("!I", heard[wire.OTC][1])[0] == DAEMON_AS, "the daemon's OTC"
        wait_until(lambda: PODS[0] in up.rib, 8, "own prefixes go up")
        b.never(lambda: NETS[0] in up.rib, "the provider's routes go to no other provider")
        b.got(PODS[0])


def mismatch(run):
    """Both ends say that they are the provider: 2/11, and weft has a reason."""
    b = Bench(run, ["roles"], peer={"role": "provider"}).start(up=False)
    with run.check("role-mismatch"):
        b.why("it has to be customer")
        holds_for(lambda: b.peer()["state"] != "Established" and
                  not b.daemon.established(b.me), 1.5, "nobody comes up")


def confederation(run):
    """Two Member-ASes of AS 64700; probe A is outside."""
    b = Bench(run, ["confed"], weft_as=64601, daemon_as=64602, networks=[NETS[0]], a={},
              bgp={"confederation": {"identifier": 64700, "members": [64602]}},
              more={"advertisements": [{"type": "PodCIDR", "localPref": 250}]}).start()
    with run.check("confed"):
        assert b.peer()["type"] == "confed"
        got = b.got(PODS[0])
        assert got["as_path"] == [64601] and got["local_pref"] == 250, got
        assert "64602" in b.has(NETS[0])["as_path"]
        heard = b.a.wait_route(NETS[0])[wire.AS_PATH][1]
        assert wire.segments(heard) == [(2, [64700])], "outside there is one AS"
        b.a.announce([ROUTE])
        assert b.got(ROUTE)["as_path"] == [64601, A_AS]


def longopen(run):
    """An OPEN with more than 255 octets of parameters; probe B sees that it gets such a one."""
    b = Bench(run, ["longopen"], b={}).start()
    with run.check("longopen"):
        body = next(body for kind, body in b.b.conn.received if kind == 1)
        assert body[9:11] == b"\xff\xff" and len(body) > 265, body.hex()
        b.counted()


# ---- options of weft that the other side sees ----------------------------------------


def aspath(run):
    """AS paths that weft changes, or takes although its own AS is in them."""
    words = {NETS[0]: run.cell("as-loop").text("route")}
    b = Bench(run, networks=[NETS[0]] if words[NETS[0]] else [], attributes=words, a={}, b={},
              peer={"asOverride": True, "allowAsIn": 1}).start()
    if b.b:
        b.b.announce([NETS[0]], as_path=(B_AS, WEFT_AS))
    b.a.announce([ROUTE], as_path=(A_AS, DAEMON_AS))
    with run.check("as-override"):
        assert b.got(ROUTE)["as_path"] == [WEFT_AS, A_AS, WEFT_AS]
    with run.check("allow-as-in"):
        assert str(WEFT_AS) in b.has(NETS[0], lambda r: r["valid"])["as_path"].split()


def private(run):
    """removePrivate and localAS: the daemon knows weft by another AS."""
    b = Bench(run, a={}, peer={"removePrivate": "all", "localAS": 3999},
              networks=[NETS[0]], families=["ipv4"])
    b.daemon.neighbors[0].asn = 3999
    b.start()
    b.a.announce([ROUTE], as_path=(A_AS, 4000, 64999))
    with run.check("remove-private"):
        assert b.got(ROUTE)["as_path"] == [3999, 4000]
    with run.check("local-as"):
        assert b.got(PODS[0])["as_path"] == [3999]
        assert b.has(NETS[0])["as_path"] == str(DAEMON_AS)


def aggregation(run):
    """Two longer prefixes go out as the one that covers them."""
    b = Bench(run, install=True, more={"advertisements": [
        {"type": "Prefix", "prefixes": ["10.244.16.0/26", "10.244.16.64/26"],
         "aggregationLength": 24}]}).start()
    with run.check("aggregation"):
        got = b.got("10.244.16.0/24", lambda a: a.get("atomic"))
        assert got["aggregator"] == f"{b.mine[0]} AS{WEFT_AS}", got
        assert b.daemon.received(b.me)["ipv4"] == 1


def nexthops(run):
    """iBGP: the next hop of probe A's route, self and as it was learned."""
    b = Bench(run, daemon_as=WEFT_AS, a={}, peer={"nextHopMode": "self"}, networks=[NETS[0]],
              families=["ipv4"]).start()
    b.a.announce([ROUTE])
    with run.check("nexthop-self"):
        assert b.got(ROUTE)["next_hop"] == b.mine[0]
    with run.check("nexthop-keep"):
        before = b.reload(nextHopMode="keep")
        b.got(ROUTE, lambda a: a["next_hop"] == "10.9.1.1")
        b.assert_untouched(before)


def extnh(run):
    """IPv4 routes on a session over IPv6, with IPv6 next hops."""
    families = FAMILIES if run.daemon == "exabgp" else ["ipv4"]     # it wants the next hop's, too
    b = Bench(run, ["extnh"], transport=6, families=families, install=True,
              networks=[] if run.cell("extnh").text("api") else NETS[:1]).start()
    if run.cell("extnh").text("api"):
        b.daemon.command(run.cell("extnh").text("api"))
    with run.check("extnh"):
        row = b.has(NETS[0], lambda r: r["valid"] and ":" in r["next_hop"])
        wait_until(lambda: [r for r in b.w.routes(NETS[0])
                            if r.get("via", {}).get("family") == "inet6"]
                   or No(b.w.routes(NETS[0])), 8, f"the kernel has it: {row}")
        assert ":" in b.got(PODS[0])["next_hop"]


def given(run):
    """A next hop that is written in the configuration, changed on the live session."""
    b = Bench(run, families=["ipv4"], networks=NETS[:1]).start()
    with run.check("nexthop-given"):
        assert b.got(PODS[0])["next_hop"] == b.mine[0]
        before = b.reload(nextHop={"ipv4": "10.9.2.77"})
        b.got(PODS[0], lambda a: a["next_hop"] == "10.9.2.77")
        b.assert_untouched(before)


def dynamic(run):
    """The daemon connects from a range that weft listens to."""
    b = Bench(run, passive="weft")
    p = b.weft.config["peers"][0]
    p.pop("peerIP")
    p.update(name="rack", listenRange="10.9.2.0/24")
    p.pop("passive")
    b.start(up=False)
    with run.check("dynamic"):
        name = f"rack/{b.addr}"
        b.weft.wait_established(name)
        b.daemon.wait_established(b.me)
        b.has(NETS[0], source=name)
        b.got(PODS[0])


def dynamic_theirs(run):
    """weft connects from within the daemon's range."""
    b = Bench(run, networks=[NETS[0]], families=["ipv4"])
    text, d = run.cell("dynamic-theirs").text("whole"), b.daemon

    def configure():
        d.conf = d.write({"frr": "frr.conf", "bird": "bird.conf", "openbgpd": "bgpd.conf",
                          "gobgp": "gobgp.toml"}[run.daemon], text.replace("$dir", d.dir),
                         0o600 if run.daemon == "openbgpd" else 0o644)
    d.configure = configure
    if run.daemon == "frr":             # its summary is empty without neighbours
        d.ready = lambda: b.d.run("ss", "-Htln", "sport = :179")
    b.start(up=False)
    with run.check("dynamic-theirs"):
        b.weft.wait_established("peer")
        b.has(NETS[0])
        b.got(PODS[0])


def ecmp(run):
    """The daemon's prefixes by two links: both are used, by weft's kernel and the daemon's."""
    b = Bench(run, families=["ipv4"], networks=[NETS[0]], install=True, neighbor={"transit": False})
    mine, other = b.second_link()
    b.start()
    b.weft.wait_established("peer2")
    with run.check("ecmp"):
        def legs(ns, prefix, **kw):
            found = set()
            for r in ns.routes(prefix, **kw):
                for h in [r, *r.get("nexthops", ())]:
                    found.add(h.get("dev"))
            return found - {None} == {"eth0", "eth7"} or No(found)
        wait_until(lambda: legs(b.w, NETS[0]), 10, "weft's route has two legs")
        if run.wants("ecmp-theirs"):
            with run.check("ecmp-theirs"):
                wait_until(lambda: legs(b.d, PODS[0]), 10, "the daemon's route has two legs")


def filters(run):
    """Filters come, change and go on a live session."""
    b = Bench(run, ["families"], networks=[NETS[0]], families=["ipv4"])
    b.weft.config["filters"] = {
        "one": {"export": [{"operations": [
            {"addCommunities": ["64512:1", "64512:2:3"]}, {"setMED": 77},
            {"prependASPath": {"times": 2}}], "action": "Accept"}],
         "import": [{"operations": [{"setLocalPref": 150}, {"addCommunities": "64512:9"}]}]},
        "two": {"export": [
            {"cidr": "10.244.0.0/16", "operations": [{"setCommunities": "64512:5"}],
             "action": "Accept"}],
         "import": [{"operations": [{"setWeight": 7}, {"setMED": 5}]}]},
        "none": {"export": [{"action": "Reject"}], "import": [{"action": "Reject"}]}}
    b.start()
    b.got(PODS[0], lambda a: a["as_path"] == [WEFT_AS])
    before = b.reload(filters=["one"])
    with run.check("filter-out"):
        got = b.got(PODS[0], lambda a: a["as_path"] == [WEFT_AS] * 3)
        assert got["communities"] == ["64512:1"] and got["large"] == ["64512:2:3"], got
        assert got["med"] == 77, got
    with run.check("filter-in"):
        row = b.has(NETS[0], lambda r: r["local_pref"] == 150)
        assert "64512:9" in row["communities"], row
    with run.check("filter-live"):
        b.reload(filters=["two"])
        b.got(PODS[0], lambda a: a["as_path"] == [WEFT_AS] and a["communities"] == ["64512:5"])
        b.has(NETS[0], lambda r: r["local_pref"] == 100 and r["weight"] == 7 and r["med"] == 5)
        b.reload(filters=["none"])
        b.wait_lost(b.view.attrs, PODS[0])
        b.wait_lost(lambda p: [r for r in b.rows(p) if r["valid"] and r["from"] == "peer"], NETS[0])
        b.reload(filters=[])
        b.got(PODS[0], lambda a: a["as_path"] == [WEFT_AS] and not a["communities"])
        b.has(NETS[0], lambda r: r["local_pref"] == 100 and r["weight"] == 0 and r["valid"])
        b.assert_untouched(before)
