"""The bench: probe A -- weft -- daemon [-- probe B], and questions about both ends."""

import dataclasses

from fabric.peers import FAMILIES, Neighbor, family_of
from fabric.topo import timers, wire
from fabric.wait import No, holds_for, wait_until
from fabric.weft import Weft, config, peer

from daemons import view
from probe import Probe

WEFT_AS, DAEMON_AS, A_AS, B_AS = 4200000001, 4200000002, 64810, 64820
PODS = ["10.244.1.0/24", "fd00:10:244:1::/64"]
PERMIT = ["10.244.0.0/16", "fd00:10:244::/48", "172.16.0.0/12", "fd20::/11", "10.50.0.0/16",
          "fd50::/32"]
NETS = ["172.21.0.0/24", "fd21::/64"]
OPEN = {"import": "all", "export": "all"}
DEADLINE = 12
# What BIRD's views do not show, its log does; OpenBGPD would wait for two minutes.
USUAL = {"bird": "\ndebug protocols all;", "openbgpd": "\nconnect-retry 1"}


class Bench:
    """weft and the daemon of a run, each on its end of a link, with probes as asked for.

    features: whose cells configure the daemon. transport: 4 or 6. passive: "weft",
    "daemon" or None (both dial). weft_as/daemon_as: equal means iBGP. peer: more keys of
    weft's peer; bgp, more: of weft's configuration; neighbor: of fabric's Neighbor;
    a, b: keyword arguments of the probes, None for no probe. b_neighbor: for the
    daemon's session with probe B. second: a second session for each probe, from
    another address and the next higher AS (a2, b2).
    """

    def __init__(self, run, features=(), transport=4, passive=None, weft_as=WEFT_AS,
                 daemon_as=DAEMON_AS, peer=None, bgp=None, more=None, neighbor=None, a=None,
                 b=None, b_neighbor=None, networks=NETS, attributes=None, families=FAMILIES,
                 install=False, options=None, second=False):
        self.run, self.lab = run, run.lab
        self.w, self.d = self.lab.ns("weft"), self.lab.ns("peer")
        self.mine, self.other = wire(self.lab, self.w, "eth0", self.d, "eth0", 2)
        self.addr = self.other[0] if transport == 4 else self.other[1]      # the daemon
        self.me = self.mine[0] if transport == 4 else self.mine[1]          # weft
        self.asns, self.dials = (weft_as, daemon_as), passive == "weft"
        self.a_args, self.b_args, self.a, self.b, self.second = a, b, None, None, second
        peers = [self._peer(transport, passive, list(families), peer or {})]
        if a is not None:
            peers.append(self._probe_a())
        if second:
            peers.append(self._probe_a2())
        self.weft = Weft(self.w, config(
            "weft", weft_as, self.mine, peers, PODS, PERMIT,
            bgp={"transit": True, **(bgp or {})}, **{
                "kernel": {"install": install}, "ops": {"metrics": "off"}, **(more or {})}))
        self.daemon = self._daemon(run, features, passive, families, neighbor or {},
                                   b_neighbor or {}, networks, attributes or {}, options or {})
        self.view = view(self.daemon)

    def _peer(self, transport, passive, families, more):
        return peer("peer", self.addr, self.asns[1], passive=passive == "weft",
                    families=families, **{"timers": timers(), **OPEN, **more})

    def _probe_a(self):
        self.a_ns = self.lab.ns("probea")
        self.a_mine, self.a_other = wire(self.lab, self.a_ns, "eth0", self.w, "eth1", 1)
        args = dict(self.a_args)
        self.a_as = args.pop("asn", A_AS)
        self.a_more = args.pop("peer", {})
        self.a_rest = args
        return peer("probe", self.a_mine[0], self.a_as, passive=True, **OPEN, **self.a_more)

    def _probe_a2(self):
        self.a_ns.addr("eth0", "10.9.1.3/24")
        return peer("probe2", "10.9.1.3", self.a_as + 1, passive=True, **OPEN)

    def _daemon(self, run, features, passive, families, neighbor, b_neighbor, networks,
                attributes, options):
        place = run.places(dict.fromkeys(["families", *features]))
        extra = {k: place.pop(k) for k in ("session", "family", "config", "capability")
                 if k in place}
        args = {"families": tuple(families), "transit": True, "passive": passive == "daemon",
                "text": extra, **neighbor}
        neighbors = [Neighbor(self.me, self.asns[0], self.addr, self.other[1], **args)]
        if self.b_args is not None and run.daemon != "exabgp":
            neighbors.append(self._probe_b(b_neighbor))
            if self.second:
                self.b_ns.addr("eth0", "10.9.3.3/24")
                neighbors.append(dataclasses.replace(neighbors[-1], addr="10.9.3.3",
                                                     asn=self.b_as + 1))
        place["global"] = place.pop("glob", "") + USUAL.get(run.daemon, "")
        place.pop("route", None)
        return run.kind(self.d, self.asns[1], self.other[0], neighbors, networks,
                        text=place, attributes=attributes, **options)

    def _probe_b(self, more):
        self.b_ns = self.lab.ns("probeb")
        self.b_mine, self.b_other = wire(self.lab, self.b_ns, "eth0", self.d, "eth1", 3)
        args = dict(self.b_args)
        self.b_as = args.pop("asn", B_AS)
        self.b_rest = args
        return Neighbor(self.b_mine[0], self.b_as, self.b_other[0], self.b_other[1], passive=True,
                        gr=False, **more)

    def second_link(self):
        """Another link to the same daemon, with a session of its own; before start()."""
        ends = wire(self.lab, self.w, "eth7", self.d, "eth7", 7)
        (mine, _), (other, other6) = ends
        self.weft.config["peers"].append(peer("peer2", other, self.asns[1], timers=timers(),
                                              families=["ipv4"], **OPEN))
        first = self.daemon.neighbors[0]
        self.daemon.neighbors.append(dataclasses.replace(first, addr=mine, local=other,
                                                         local6=other6))
        return ends

    # -- life -----------------------------------------------------------------------

    def start(self, up=True):
        """Start everything; with up, wait for all sessions."""
        for one in (self.weft, self.daemon) if self.dials else (self.daemon, self.weft):
            one.start()
        if up:
            self.wait_up()
        if self.a_args is not None:
            self.a = Probe(self.a_ns, self.a_mine[0], self.a_other[0], self.a_as, "10.9.1.1",
                           **self.a_rest)
        if self.b_args is not None and self.run.daemon != "exabgp":
            self.b = Probe(self.b_ns, self.b_mine[0], self.b_other[0], self.b_as, "10.9.3.1",
                           **self.b_rest)
        if self.second:
            self.a2 = Probe(self.a_ns, "10.9.1.3", self.a_other[0], self.a_as + 1, "10.9.1.3")
            if self.b:
                self.b2 = Probe(self.b_ns, "10.9.3.3", self.b_other[0], self.b_as + 1, "10.9.3.3")
        return self

    def reload(self, **peer_keys):
        """Change keys of weft's peer in the live configuration; the session must stay."""
        before = self.peer()
        self.weft.config["peers"][0].update(peer_keys)
        self.weft.write_config()
        self.weft.weft("reload")
        return before

    def assert_untouched(self, before):
        """The session has lived on since `before` (reload()'s answer)."""
        now = self.peer()
        assert now["state"] == "Established" and now["flaps"] == before["flaps"]
        assert now["established_count"] == before["established_count"]
        assert now["uptime_s"] >= before["uptime_s"], (now["uptime_s"], before["uptime_s"])
        assert self.daemon.established(self.me)

    def mark(self):
        """Before something that closes the session, for again()."""
        self.sessions = self.peer()["established_count"]

    def wait_up(self, deadline_s=DEADLINE):
        self.weft.wait_established("peer", deadline_s=deadline_s)
        self.daemon.wait_established(self.me, deadline_s=deadline_s)

    def again(self):
        """Wait for a new session after one was closed, until both ends count the routes.

        Two daemons would take half a minute: they are started anew.
        """
        if self.run.daemon in ("gobgp", "openbgpd"):
            self.daemon.kill()
            self.daemon.start()
        wait_until(lambda: self.peer()["established_count"] > self.sessions, 20, "a new session")
        self.wait_up(deadline_s=20)
        self.counted()

    # -- questions ------------------------------------------------------------------

    def peer(self):
        return self.weft.peer("peer")

    def got(self, prefix, test=lambda a: True, deadline_s=DEADLINE):
        """What the daemon knows of a prefix, once test(attributes) holds."""
        def there():
            a = self.view.attrs(prefix)
            return a if a and test(a) else No(a)
        return wait_until(there, deadline_s, f"{self.daemon.package} has {prefix} as expected",
                          every_s=0.05)

    def rows(self, prefix, *view_):
        """weft's rows for exactly that prefix."""
        return [r for r in self.weft.routes(*view_) if r["prefix"] == prefix]

    def has(self, prefix, test=lambda r: True, deadline_s=DEADLINE, source="peer"):
        """weft's row for a prefix from a peer, once test(row) holds."""
        def there():
            rows = [r for r in self.rows(prefix) if r["from"] == source]
            return rows[0] if rows and test(rows[0]) else No(rows)
        return wait_until(there, deadline_s, f"weft has {prefix} from {source} as expected",
                          every_s=0.05)

    def wait_lost(self, what, prefix, deadline_s=DEADLINE):
        wait_until(lambda: not what(prefix), deadline_s, f"{prefix} is gone", every_s=0.05)

    def never(self, fn, why, period_s=1.0):
        holds_for(lambda: not fn(), period_s, why)

    def counted(self, deadline_s=DEADLINE):
        """Both ends count the same prefixes, in both directions.

        Some daemons also send back what they got from us; we refuse that.
        """
        n = {f: len([p for p in self.daemon.networks if family_of(p) == f]) for f in FAMILIES}

        def equal():
            w, d = self.weft, self.daemon
            c = {"daemon sent": d.advertised(self.me), "weft got": w.received("peer"),
                 "weft sent": w.advertised("peer"), "daemon got": d.received(self.me)}
            return (c["daemon sent"] == c["weft got"] and w.accepted("peer") == n and
                    c["weft sent"] == c["daemon got"] and sum(c["weft sent"].values()) > 0) or No(c)
        return wait_until(equal, deadline_s, "both ends count the same routes", every_s=0.1)

    def said(self, text, deadline_s=6):
        """Until the daemon says so about its session with weft (any of several texts)."""
        texts = [text] if isinstance(text, str) else text

        def told():
            have = self.view.error(self.me)
            return any(t.lower() in have.lower() for t in texts) or No(have[-300:])
        wait_until(told, deadline_s, f"{self.daemon.package} says {texts}", every_s=0.1)

    def why(self, text, deadline_s=6):
        """Until weft says so about its peer: reason, last error or event."""
        def told():
            p = self.peer()
            have = " | ".join(filter(None, [p["reason"], p["last_error"]]))
            return text.lower() in have.lower() or No(have)
        wait_until(told, deadline_s, f"weft says {text!r}", every_s=0.05)

    def why_event(self, text, deadline_s=6):
        """Until weft's log has it: what ended a session that may be up again."""
        wait_until(lambda: text.lower() in self.weft.text().lower(), deadline_s,
                   f"weft logged {text!r}", every_s=0.05)
