"""A small data-centre fabric: spine, two top-of-rack routers per rack, nodes, pods.

    outside -- spine -- torNa (FRR), torNb (BIRD) -- nodes of rack N -- pods

Everything is routed and eBGP, one AS per node and router. Links are
10.1.K.0/30 and fd00:1:K::/64 (router .1, the other end .2); node N has
10.0.0.N and fd00::N on lo, its pods are in 10.244.N.0/24 and fd00:10:244:N::/64.
Pods are made by Debian's CNI plugins ptp and host-local.
"""

import json
import os
import subprocess

from .peers import Bird, Frr, Neighbor
from .weft import Weft, config, peer

SPINE_AS, NODE_AS = 65000, 4200000000
OUTSIDE = ("192.0.2.0/24", "2001:db8:2::/64")
PERMIT = ["10.244.0.0/16", "fd00:10:244::/48", "10.0.0.0/24", "fd00::/112", *OUTSIDE]
CNI_DIR = "/usr/lib/cni"


def pod_cidrs(n):
    """Pod ranges of node n, IPv4 and IPv6."""
    return [f"10.244.{n}.0/24", f"fd00:10:244:{n}::/64"]


def node_addrs(n):
    return [f"10.0.0.{n}", f"fd00::{n}"]


class Router:
    """A router being put together: links and neighbours first, then the daemon."""

    def __init__(self, lab, name, asn, kind, router_id):
        self.ns, self.asn, self.kind, self.router_id = lab.ns(name), asn, kind, router_id
        self.neighbors, self.networks, self.daemon = [], [], None

    def start(self):
        self.daemon = self.kind(self.ns, self.asn, self.router_id, self.neighbors, self.networks)
        self.daemon.start()


class Pod:
    """A pod: a namespace wired to its node by a CNI plugin."""

    def __init__(self, ns, node, addrs):
        self.ns, self.node, self.addrs, self.name = ns, node, addrs, ns.name


class Node:
    """A cluster node: uplinks, loopback address, pods, and the daemon under test."""

    def __init__(self, lab, n):
        self.n, self.name, self.asn = n, f"node{n}", NODE_AS + n
        self.ns = lab.ns(self.name)
        self.addrs, self.cidrs = node_addrs(n), pod_cidrs(n)
        self.ns.addr("lo", f"{self.addrs[0]}/32", f"{self.addrs[1]}/128")
        self.uplinks, self.tors, self.pods, self.daemon = [], [], [], None

    def config(self, **more):
        peers = [peer(t["name"], t["address"], t["asn"]) for t in self.tors]
        return config(self.name, self.asn, self.addrs, peers, self.cidrs, PERMIT,
                      advertisements=[{"type": "PodCIDR"},
                                      {"type": "Interface", "interfaces": ["lo"]}], **more)

    def start(self, **more):
        self.daemon = Weft(self.ns, self.config(**more))
        self.daemon.start()

    def cni(self, command, pod_ns):
        """Run the CNI plugin ptp for a pod's namespace; returns its result."""
        conf = {"cniVersion": "1.0.0", "name": "weft", "type": "ptp", "ipMasq": False,
                "ipam": {"type": "host-local", "dataDir": f"{self.ns.dir}/ipam",
                         "ranges": [[{"subnet": c}] for c in self.cidrs],
                         "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]}}
        env = {"CNI_COMMAND": command, "CNI_CONTAINERID": pod_ns.full, "CNI_IFNAME": "eth0",
               "CNI_NETNS": pod_ns.path, "CNI_PATH": CNI_DIR}
        out = self.ns.run(f"{CNI_DIR}/ptp", stdin=json.dumps(conf), env=env)
        return json.loads(out) if out.strip() else {}

    def add_pod(self, lab, name):
        ns = lab.ns(name, router=False)
        result = self.cni("ADD", ns)
        addrs = [ip["address"].split("/")[0] for ip in result["ips"]]
        pod = Pod(ns, self, sorted(addrs, key=lambda a: ":" in a))
        self.pods.append(pod)
        return pod


class Fabric:
    """Spine, racks, nodes; the pieces are started by the caller in its own order."""

    def __init__(self, lab, racks=2, nodes_per_rack=2):
        self.lab, self._links = lab, 0
        self.routers, self.nodes = {}, []
        self.spine = self._router("spine", SPINE_AS, Bird, "10.255.0.1")
        self._outside()
        for r in range(1, racks + 1):
            tors = [self._router(f"tor{r}a", 65000 + 100 * r + 1, Frr, f"10.255.{r}.1"),
                    self._router(f"tor{r}b", 65000 + 100 * r + 2, Bird, f"10.255.{r}.2")]
            for t in tors:
                self._uplink(t)
            for _ in range(nodes_per_rack):
                self._node(tors)

    def _router(self, name, asn, kind, router_id):
        self.routers[name] = Router(self.lab, name, asn, kind, router_id)
        return self.routers[name]

    def _outside(self):
        """A host that knows nothing of BGP, behind the spine."""
        self.outside = self.lab.ns("outside", router=False)
        self.lab.link(self.spine.ns, "outside", self.outside, "eth0",
                      ["192.0.2.1/24", "2001:db8:2::1/64"], ["192.0.2.10/24", "2001:db8:2::10/64"])
        for via in ("192.0.2.1", "2001:db8:2::1"):
            self.outside.ip("route", "add", "default", "via", via)
        self.outside_addrs = ["192.0.2.10", "2001:db8:2::10"]
        self.spine.networks += OUTSIDE

    def _connect(self, a, if_a, b, if_b):
        """A routed link; returns ((v4, v6) of a, (v4, v6) of b)."""
        self._links += 1
        k = self._links
        ends = [(f"10.1.{k}.{i}", f"fd00:1:{k}::{i}") for i in (1, 2)]
        masks = [[f"{v4}/30", f"{v6}/64"] for v4, v6 in ends]
        self.lab.link(a, if_a, b, if_b, *masks)
        return ends

    def _uplink(self, tor):
        up, down = self._connect(self.spine.ns, tor.ns.name, tor.ns, "spine")
        self.spine.neighbors.append(Neighbor(down[0], tor.asn, up[0], up[1]))
        tor.neighbors.append(Neighbor(up[0], SPINE_AS, down[0], down[1]))

    def _node(self, tors):
        node = Node(self.lab, len(self.nodes) + 1)
        self.nodes.append(node)
        for i, tor in enumerate(tors):
            up, down = self._connect(tor.ns, node.name, node.ns, f"eth{i}")
            tor.neighbors.append(Neighbor(down[0], node.asn, up[0], up[1]))
            node.tors.append({"name": tor.ns.name, "address": up[0], "asn": tor.asn,
                              "local": down[0], "local6": down[1], "router": tor})
            node.uplinks.append(f"eth{i}")


def cni_missing():
    """Which CNI plugins are not there."""
    return [p for p in ("ptp", "host-local") if not os.access(f"{CNI_DIR}/{p}", os.X_OK)]


def kernel_version():
    return subprocess.run(["uname", "-r"], capture_output=True, text=True, check=True).stdout.strip()
