"""Small set-ups that many tests share: a weft node on a link with one other speaker."""

from .peers import FAMILIES, Bird, Frr, Neighbor
from .wait import No, wait_until
from .weft import Weft, config, peer

WEFT_AS, PEER_AS = 4200000001, 4200000002
PODS = ["10.244.1.0/24", "fd00:10:244:1::/64"]
PERMIT = ["10.244.0.0/16", "fd00:10:244::/48", "172.16.0.0/12", "fd20::/11"]


def ends(k):
    """Addresses of link k: ((v4, v6) of the first end, (v4, v6) of the second)."""
    return [(f"10.9.{k}.{i}", f"fd09:{k}::{i}") for i in (1, 2)]


def wire(lab, a, if_a, b, if_b, k):
    """Link k between two namespaces; returns ends(k)."""
    e = ends(k)
    lab.link(a, if_a, b, if_b, *[[f"{v4}/24", f"{v6}/64"] for v4, v6 in e])
    return e


def neighbors(kind, mine, other, asn, **kw):
    """Neighbor list of a daemon: one session, or one per family where it needs that."""
    if kind.one_session:
        return [Neighbor(other[0], asn, mine[0], mine[1], **kw)]
    return [Neighbor(other[i], asn, mine[i], mine[1], families=(f,), **kw)
            for i, f in enumerate(FAMILIES)]


def weft_peers(kind, name, other, asn, **kw):
    """The same sessions in weft's configuration."""
    if kind.one_session:
        return [peer(name, other[0], asn, **kw)]
    return [peer(f"{name}-{f}", other[i], asn, families=[f], **kw)
            for i, f in enumerate(FAMILIES)]


def total(counts):
    """Sum of per-session counts."""
    counts = list(counts)
    return {f: sum(c[f] for c in counts) for f in FAMILIES}


def timers(**kw):
    return {"connectRetry": "1s", "hold": "9s", "keepalive": "3s", **kw}


class Pair:
    """weft and one other daemon on one link."""

    def __init__(self, lab, kind, networks, passive_weft=False, passive_peer=False, k=1,
                 suffix="", more=None, **neighbor):
        self.lab, self.kind = lab, kind
        self.w, self.p = lab.ns("weft" + suffix), lab.ns("peer" + suffix)
        self.mine, self.other = wire(lab, self.w, "eth0", self.p, "eth0", k)
        names = weft_peers(kind, "peer", self.other, PEER_AS, passive=passive_weft,
                           timers=timers())
        self.weft = Weft(self.w, config("weft", WEFT_AS, self.mine, names, PODS, PERMIT,
                                        **(more or {})))
        self.daemon = kind(self.p, PEER_AS, self.other[0],
                           neighbors(kind, self.other, self.mine, WEFT_AS, passive=passive_peer,
                                     transit=False, **neighbor), networks)
        self.weft_side = [p["peerIP"] for p in names]
        self.daemon_side = [n.addr for n in self.daemon.neighbors]

    def wait_up(self, deadline_s=15):
        self.weft.wait_established(*self.weft_side, deadline_s=deadline_s)
        self.daemon.wait_established(deadline_s=deadline_s)

    def counts(self):
        """What each end counts: what the daemon sent, weft got, weft sent, the daemon got."""
        w, d = self.weft, self.daemon
        return {"daemon sent": total(d.advertised(a) for a in self.daemon_side),
                "weft received": total(w.received(a) for a in self.weft_side),
                "weft sent": total(w.advertised(a) for a in self.weft_side),
                "daemon received": total(d.received(a) for a in self.daemon_side)}

    def wait_counts(self, sent, deadline_s=15):
        """Until both ends count the same: `sent` per family from the daemon, ours from weft."""
        def equal():
            c = self.counts()
            ok = c["daemon sent"] == c["weft received"] == sent and \
                c["weft sent"] == c["daemon received"] and min(c["weft sent"].values()) > 0
            return ok and c or No(c)
        return wait_until(equal, deadline_s, "both ends count the same routes")


class TwoTors:
    """A weft node between two ToRs (by default FRR on eth0, BIRD on eth1).

    gr: graceful restart on the ToRs' side; networks: the same from both, or one list each.
    """

    def __init__(self, lab, networks=(), kinds=(Frr, Bird), gr=True, more=None, **weft):
        self.lab, self.node = lab, lab.ns("node")
        self.tors, self.names, self.links, peers_ = [], [], [], []
        per_tor = networks if isinstance(networks, tuple) else (networks, networks)
        for i, kind in enumerate(kinds):
            ns = lab.ns(f"tor{i + 1}")
            mine, other = wire(lab, self.node, f"eth{i}", ns, "eth0", i + 1)
            self.links.append((mine, other))
            n = Neighbor(mine[0], WEFT_AS, other[0], other[1], gr=gr)
            self.tors.append(kind(ns, 65001 + i, other[0], [n], per_tor[i]))
            peers_.append(peer(f"tor{i + 1}", other[0], 65001 + i, timers=timers()))
            self.names.append(f"tor{i + 1}")
        self.node.addr("lo", "10.0.0.1/32", "fd00::1/128")
        self.weft = Weft(self.node, config("node", WEFT_AS, ["10.0.0.1", "fd00::1"], peers_,
                                           PODS, PERMIT, **{**weft, **(more or {})}))

    def start(self, deadline_s=20):
        for t in self.tors:
            t.start()
        self.weft.start()
        self.weft.wait_established(*self.names, deadline_s=deadline_s)
        return self

    def wait_installed(self, prefixes, deadline_s=15):
        """Until the kernel has all these prefixes as routes of ours."""
        def there():
            have = {r["dst"] for f in (4, 6) for r in self.weft.kernel_routes(f)}
            left = set(prefixes) - have
            return not left or No(f"{len(left)} missing, e.g. {sorted(left)[:3]}")
        return wait_until(there, deadline_s, "the routes are in the kernel", every_s=0.005)


def legs(ns, prefix, protocol=212):
    """Interfaces that the kernel's route for prefix uses, as a set; empty without route."""
    family = 6 if ":" in prefix else 4
    found = set()
    for r in ns.routes(prefix, "proto", protocol, family=family):
        for hop in [r, *r.get("nexthops", ())]:     # a group of one has no list
            if "dev" in hop:
                found.add(hop["dev"])
    return found
