"""One shared link (a bridge in a namespace of its own) with many BGP speakers of one AS.

Speaker n has 10.8.0.N/24 and fd08::N/64 on its eth0, so that every next hop is
connected; its own pod ranges are 10.244.N.0/24 and fd00:10:244:N::/64.
"""

from .peers import Neighbor
from .topo import timers
from .wait import No, wait_until
from .weft import Weft, config, peer

AS = 64512
PERMIT = ["10.244.0.0/16", "fd00:10:244::/48", "172.16.0.0/12", "fd20::/11"]


def addresses(n):
    return [f"10.8.0.{n}", f"fd08::{n}"]


def pods(n):
    return [f"10.244.{n}.0/24", f"fd00:10:244:{n}::/64"]


class Segment:
    """The bridge; ns() plugs a new namespace into it."""

    def __init__(self, lab):
        self.lab, self.switch = lab, lab.ns("switch", router=False)
        self.switch.ip("link", "add", "br0", "type", "bridge")
        self.switch.ip("link", "set", "br0", "up")

    def ns(self, name, n):
        ns = self.lab.ns(name)
        v4, v6 = addresses(n)
        self.lab.link(ns, "eth0", self.switch, f"p{n}", [f"{v4}/24", f"{v6}/64"])
        self.switch.ip("link", "set", f"p{n}", "master", "br0")
        return ns

    def reflector(self, name, n, clients, cluster, others=None, silent=(), **bgp):
        """A weft reflector without kernel routes; clients, others: {name: number}.

        silent: clients that are sent nothing of what was learned.
        """
        peers = [peer(c, addresses(k)[0], "internal", routeReflectorClient=True, timers=timers(),
                      export="own" if c in silent else "all") for c, k in clients.items()]
        peers += [peer(o, addresses(k)[0], "internal", timers=timers())
                  for o, k in (others or {}).items()]
        return Weft(self.ns(name, n), config(
            name, AS, addresses(n), peers, advertisements=[], kernel={"install": False},
            ops={"metrics": "off"},
            bgp={"clusterID": f"10.255.0.{cluster}", "addPath": {"send": "equal"}, **bgp}))

    def client(self, name, n, reflectors, **more):
        """A weft client of these reflectors ({name: number}); takes several paths."""
        peers = [peer(r, addresses(k)[0], "internal", timers=timers())
                 for r, k in reflectors.items()]
        return Weft(self.ns(name, n), config(
            name, AS, addresses(n), peers, pods(n), PERMIT, ops={"metrics": "off"},
            **{"bgp": {"addPath": {"receive": True}}, **more}))

    def daemon(self, kind, name, n, reflectors, networks):
        """Another maker's daemon as a client of these reflectors."""
        v4, v6 = addresses(n)
        sessions = [Neighbor(addresses(k)[0], AS, v4, v6, transit=False)
                    for k in reflectors.values()]
        return kind(self.ns(name, n), AS, v4, sessions, networks)


def wait_paths(weft, prefixes, peers, deadline_s=20):
    """Until a weft node has a valid path for each prefix from each of these peers."""
    want = {(p, name) for p in prefixes for name in peers}

    def there():
        have = {(r["prefix"], r["from"]) for r in weft.routes() if r["valid"]}
        left = want - have
        return not left or No(f"{len(left)} of {len(want)} missing, e.g. {sorted(left)[:3]}")
    wait_until(there, deadline_s, f"{weft.ns.name} has every path", every_s=0.1)


def wait_kernel(weft, prefixes, deadline_s=20):
    """Until the kernel has a route of ours for every prefix."""
    def there():
        have = {r["dst"] for f in (4, 6) for r in weft.kernel_routes(f)}
        left = set(prefixes) - have
        return not left or No(f"{len(left)} missing, e.g. {sorted(left)[:3]}")
    wait_until(there, deadline_s, f"the kernel of {weft.ns.name} has every route", every_s=0.1)
