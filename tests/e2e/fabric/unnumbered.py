"""Two nodes, two top-of-rack routers, a spine: no link has an address.

    pod1 - node1 = torA, torB = spine      every line an Ethernet with fe80:: addresses only
    pod2 - node2 = torA, torB

Node N has 10.9.0.N and fd09::N on lo, its pod (a veth of its own, as CNI plugins make
them) 10.244.N.7 and fd00:10:244:N::7, and three more addresses of each family so that
flows take different links. Routers are FRR, found by router advertisements.
"""

from .peers import Frr, Neighbor
from .weft import Weft

NODE_AS, TOR_AS, SPINE_AS = 4200000000, 65001, 65000
PERMIT = ["10.244.0.0/16", "fd00:10:244::/48", "10.9.0.0/24", "fd09::/64"]


def loopbacks(n):
    return [f"10.9.0.{n}", f"fd09::{n}"]


def pods(n):
    return [f"10.244.{n}.0/24", f"fd00:10:244:{n}::/64"]


def pod_addrs(n, k=7):
    return [f"10.244.{n}.{k}", f"fd00:10:244:{n}::{k}"]


FLOWS = (7, 8, 9, 10)     # last parts of a pod's addresses


def link_local(ns, dev):
    """The fe80:: address of an interface."""
    found = ns.ipj("-6", "addr", "show", "dev", dev, "scope", "link")
    return found[0]["addr_info"][0]["local"]


def found(dev, local="", **more):
    return Neighbor(dev, 0, local, interface=True, gr=False, **more)


class Node:
    """A node with both uplinks and one pod."""

    def __init__(self, lab, n):
        self.asn = NODE_AS + n
        self.n, self.ns, self.pod = n, lab.ns(f"node{n}"), lab.ns(f"pod{n}", router=False)
        self.ns.addr("lo", *[f"{a}/{128 if ':' in a else 32}" for a in loopbacks(n)])
        lab.link(self.ns, "pod", self.pod, "eth0")
        self.ns.addr("pod", "169.254.1.1/32", "fe80::1/64")
        for here, there in [x for k in FLOWS for x in zip(pod_addrs(n, k), loopbacks(n))]:
            bits = 128 if ":" in here else 32
            self.ns.ip("route", "add", f"{here}/{bits}", "dev", "pod", "src", there)
            self.pod.addr("eth0", f"{here}/{bits}")
        for gw in ("169.254.1.1", "fe80::1"):
            self.pod.ip("route", "add", "default", "via", gw, "dev", "eth0", "onlink")
        self.weft = None

    def config(self, **more):
        """As short as a user's: the links are named, and nothing of them is said."""
        c = {"node": {"name": f"node{self.n}", "podCIDRs": pods(self.n)},
             "bgp": {"asNumber": self.asn},
             "uplinks": ["eth0", "eth1"],
             "kernel": {"permit": PERMIT},
             "ops": {"log": {"level": "debug"}}}
        return {**c, **more}

    def start(self, **more):
        self.weft = Weft(self.ns, self.config(**more))
        self.weft.start()


class Unnumbered:
    """The whole: links first, then routers, then nodes."""

    def __init__(self, lab, bfd=False):
        self.lab, extra = lab, ("bfd", "bfd profile fast") if bfd else ()
        text = {"bfd": " profile fast\n  receive-interval 50\n  transmit-interval 50\n"
                       "  detect-multiplier 3\n exit"} if bfd else {}
        self.spine = lab.ns("spine")
        self.tors = [lab.ns(f"tor{x}") for x in "AB"]
        self.nodes = [Node(lab, n) for n in (1, 2)]
        for i, tor in enumerate(self.tors):
            for node in self.nodes:
                lab.link(node.ns, f"eth{i}", tor, node.ns.name)
            lab.link(tor, "spine", self.spine, tor.name)
        kinds = [(tor, TOR_AS + i, [found(d, extra=extra) for d in ("node1", "node2")] + [found("spine")], text)
                 for i, tor in enumerate(self.tors)]
        kinds.append((self.spine, SPINE_AS, [found(t.name) for t in self.tors], {}))
        self.routers = [Frr(ns, asn, f"10.255.0.{k}", neighbors, text=words)
                        for k, (ns, asn, neighbors, words) in enumerate(kinds, 1)]

    def start(self, **more):
        for r in self.routers:
            r.start()
        for n in self.nodes:
            n.start(**more)
        return self

    def wait_up(self, deadline_s=20):
        for n in self.nodes:
            n.weft.wait_established("eth0", "eth1", deadline_s=deadline_s)
        return self
