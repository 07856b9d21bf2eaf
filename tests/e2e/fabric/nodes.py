"""Nodes of a cluster on one shared link: each runs weft, Node objects are all that it knows.

The API server is one of tests' own (replay.py) at 10.8.0.250.
"""

from . import apistore
from .replay import NODES
from .segment import AS, Segment, addresses, pods
from .wait import No, wait_until
from .weft import Weft

API = 250
TIMERS = {"connectRetry": "500ms", "hold": "9s"}


class Nodes:
    """start(name, ...) runs weft on a node; put() makes or changes its Node object."""

    def __init__(self, lab, api_server, **bgp):
        self.seg, self.bgp, self.weft, self.numbers = Segment(lab), bgp, {}, {}
        self.api_ns = self.seg.ns("api", API)
        self.api = api_server(self.api_ns, addresses(API)[0])

    def put(self, name, n, labels=None, annotations=None, cidrs=None, addrs=None, **spec):
        self.numbers[name] = n
        self.api.store.put(NODES, apistore.node(
            name, addrs or addresses(n), pods(n) if cidrs is None else cidrs, labels, annotations, **spec))

    def delete(self, name):
        self.api.store.delete(NODES, "", name)

    def config(self, name, **more):
        """The same for all nodes but for the name."""
        bgp = {"asNumber": AS, "timers": TIMERS, **self.bgp, **more.pop("bgp", {})}
        return {"node": {"name": name}, "bgp": bgp, "ops": {"metrics": "off", "log": {"level": "debug"}},
                **more}

    def start(self, name, n, wait=True, **more):
        ns = self.seg.ns(name, n)
        path = self.api.kubeconfig(f"{ns.dir}/kubeconfig")
        config = self.config(name, **more)
        config["kubernetes"] = {"kubeconfig": path}
        self.weft[name] = Weft(ns, config)
        self.weft[name].options = ["--secret-dir", ns.dir, "--secret-dir", self.api_ns.dir]
        return self.weft[name].start(wait=wait)

    def start_all(self, names, **more):
        for i, name in enumerate(names):
            self.put(name, 10 + i)
        for i, name in enumerate(names):
            self.start(name, 10 + i, wait=False, **more)

    def reconfigure(self, names=None, **bgp):
        """Other settings of bgp, on these nodes (None: all) at once."""
        self.bgp = bgp
        wefts = [weft for name, weft in self.weft.items() if names is None or name in names]
        for weft in wefts:
            weft.write_config({**weft.config, **{"bgp": {"asNumber": AS, "timers": TIMERS, **bgp}}})
        for weft in wefts:
            weft.weft("reload")

    def wait_peers(self, name, want, deadline_s=15):
        """Until that node has exactly these peers, all Established."""
        def up():
            have = {n: p["state"] for n, p in self.weft[name].peers().items()}
            return have == {n: "Established" for n in want} or No(have)
        wait_until(up, deadline_s, f"{name} has the sessions {sorted(want)}")

    def wait_routes(self, name, others, deadline_s=15):
        """Until its kernel has both pod ranges of exactly these nodes."""
        want = {p for o in others for p in pods(self.numbers[o])}

        def there():
            have = learned(self.weft[name])
            return have == want or No(f"missing {sorted(want - have)[:4]}, too many {sorted(have - want)[:4]}")
        wait_until(there, deadline_s, f"{name} has the routes to {sorted(others)}", every_s=0.05)


def learned(weft):
    """Destinations of our routes that lead somewhere."""
    return {r["dst"] for f in (4, 6) for r in weft.kernel_routes(f)
            if r.get("type", "unicast") == "unicast"}
