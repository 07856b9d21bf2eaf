"""Bring up a Kubernetes cluster of three nodes on weft, and show what reaches what in it.

Called by ./quickstart kubernetes, which has installed and built everything:
    quickstart_kube.py up STATE_DIR | down STATE_DIR
Namespaces are named weftkube-*; the cluster stays up when this program ends.
"""

import os
import sys

import quickstart
from fabric.cluster import OUTSIDE, VIPS, Cluster
from fabric.kube import kubectl
from fabric.wait import wait_until
from fabric.weft import BUILD
from quickstart import Probe, say

PREFIX = "weftkube-"
ROUNDS = 24     # connections at a time of a line about many paths


class Pod:
    """A pod of the cluster and its network namespace."""

    def __init__(self, cluster, node, app, namespace, count=None):
        pod = cluster.wait_pods(app, namespace, count)[node.name]
        self.node, self.name = node, pod["metadata"]["name"]
        self.ns = node.machine.pod_ns(self.name, namespace, alias=f"pod-{app}{node.n}")
        self.addrs = sorted((ip["ip"] for ip in pod["status"]["podIPs"]), key=lambda a: ":" in a)


class Ask:
    """One line of the table: requests to web servers in pods, judged by whom those saw.

    client: the addresses that they may see; nodes: whose pods have to answer; paths: links of which
    more than two are to carry requests to dst.
    """

    def __init__(self, scope, how, family, ask, client, nodes, paths=(), dst=None):
        self.scope, self.how, self.family, self.ask = scope, how, family, ask
        self.client, self.nodes, self.wires, self.dst, self.answers = set(client), set(nodes), paths, dst, []

    def send(self):
        def all_nodes():
            self.answers += self.ask()
            return {a["node"] for a in self.answers} >= self.nodes
        try:
            wait_until(all_nodes, 15, f"pods on {sorted(self.nodes)} answer")
        except AssertionError:
            pass        # the verdict tells

    def verdict(self, captured):
        """(NAT, verdict, good)."""
        seen = sorted({a["node"] for a in self.answers})
        if not seen or not set(seen) >= self.nodes:
            return "-", f"FAILED: answers from {', '.join(seen) or 'nobody'}", False
        strange = {a["client"] for a in self.answers} - self.client
        if strange:
            return "client", f"FAILED: pods see {', '.join(sorted(strange))}", False
        text = f"ok: {', '.join(seen)} answered" + (
            f", from {min(self.client)}" if len(self.client) == 1 else "")
        used = sum(any(p.dst == self.dst for p in captured[w]) for w in self.wires)
        if self.wires:
            text += f", by {used} of {len(self.wires)} links"
        return "dest.", text, not self.wires or used > 2


def probes(cluster, pods, dns):
    """Lines about pods and nodes themselves."""
    (n1, n2, n3), (p1, p2, p3) = cluster.nodes, pods

    def up(node):
        return [(node.name, d) for d in node.uplinks]
    for f in (0, 1):
        yield Probe("pods on one node", "routed by the node", p3.ns, p3.addrs[f], dns.addrs[f],
                    [(dns.ns.name, "eth0")], f)
        yield Probe("pods on two nodes", "through a ToR", p1.ns, p1.addrs[f], p2.addrs[f], up(n2), f)
        yield Probe("node to node", "through a ToR", n1.ns, n1.addrs[f], n3.addrs[f], up(n3), f)
        yield Probe("node to pod", "through a ToR", n1.ns, n1.addrs[f], p3.addrs[f], up(n3), f)
        yield Probe("outside host to pod", "through a ToR", cluster.outside.ns, OUTSIDE[f], p2.addrs[f], up(n2), f)


def asks(cluster, pods):
    """Lines about Services."""
    spec = cluster.kube.get("/api/v1/namespaces/default/services/web")["spec"]
    names = [n.name for n in cluster.nodes]
    links = [(n.name, d) for n in cluster.nodes for d in n.uplinks]
    p1, n2 = pods[0], cluster.nodes[1]
    for f, cluster_ip in enumerate(spec["clusterIPs"]):
        itself = {p1.addrs[f], gateway_of(p1, f)}
        yield Ask("pod to Service", "ClusterIP, kube-proxy", f,
                  lambda ip=cluster_ip: cluster.ask_often(p1.ns, url(ip), 8), itself, names)
    yield Ask("pod to Service by name", "DNS server in a pod", 0,
              lambda: [cluster.ask_inside(p1.name, "http://web.default.svc.cluster.local/")],
              {a for f in (0, 1) for a in (p1.addrs[f], gateway_of(p1, f))}, [])
    for f, vip in enumerate(VIPS):
        yield Ask("outside to LoadBalancer", "ECMP: 2 ToRs, 3 nodes", f,
                  lambda ip=vip: cluster.ask_often(cluster.outside.ns, url(ip), ROUNDS), {OUTSIDE[f]}, names, links, vip)
    for f in (0, 1):
        port = spec["ports"][0]["nodePort"]
        yield Ask("outside to NodePort", f"{n2.name}, port {port}", f,
                  lambda a=n2.addrs[f]: cluster.ask_often(cluster.outside.ns, url(a, port), 1), {OUTSIDE[f]}, [n2.name])


def gateway_of(pod, family):
    """The node's address towards a pod: what it sees when kube-proxy leads it back to itself."""
    return pod.addrs[family].rsplit(":" if family else ".", 1)[0] + (":1" if family else ".1")


def url(address, port=80):
    return f"http://[{address}]:{port}/" if ":" in address else f"http://{address}:{port}/"


def show(cluster):
    """What kubectl and weft say."""
    def said(title, text):
        print(f"\n$ {title}\n{text.rstrip()}", flush=True)
    said("kubectl get nodes,services", cluster.kube.kubectl("get", "nodes,services", "-A"))
    said("kubectl get pods -A -o wide", cluster.kube.kubectl("get", "pods", "-A", "-o", "wide"))
    node = cluster.nodes[0]
    for words in (["peers"], ["routes", "--best"]):
        said(f"weft {' '.join(words)}        # on {node.name}", node.weft(*words, check=False).stdout)
    print()


HINT = """
The cluster stays up. Try:
  alias k='sudo ip netns exec {prefix}control {kubectl} --kubeconfig {config}'
  k get pods -A -o wide
  k -n kube-system logs -l app=weft
  k -n kube-system rollout restart daemonset weft      # no packet is lost
  sudo ip netns exec {prefix}outside curl http://{vip}/
  sudo ip netns exec {prefix}node1 {weft} --run-dir {run} status
  sudo ip -n {prefix}tor1 link set node1 down    # cut a leg, look at `routes` again, then set it up
Remove everything: sudo ./quickstart kubernetes down"""


def table(cluster):
    """Ping and ask on a cluster that runs, and capture on the way: the rows of the table."""
    pods = [Pod(cluster, n, "web", "default") for n in cluster.nodes]
    dns = Pod(cluster, cluster.nodes[-1], "dns", "kube-system", 1)
    cluster.wait_announced(VIPS)
    cluster.say("both ToRs have routes to the LoadBalancer addresses by all three nodes")
    cluster.say("sending pings and requests and capturing them on the way")
    return quickstart.run_probes(cluster.lab, [*probes(cluster, pods, dns), *asks(cluster, pods)],
                                 "icmp or icmp6 or proto 4 or proto 41 or proto 47 or esp or tcp port 80")


def bring_up(lab):
    """Returns whether every verdict is good."""
    say("making namespaces and links: 2 top-of-rack routers, 3 nodes, control plane, outside host")
    cluster = Cluster(lab, say=say).start_all()
    rows = table(cluster)
    show(cluster)
    quickstart.print_table(rows)
    node = cluster.nodes[0]
    print(HINT.format(prefix=PREFIX, config=cluster.kube.kubeconfig(), vip=VIPS[0], kubectl=kubectl(), run=node.run_dir,
                      weft=os.path.relpath(f"{BUILD}/ctl/weft")))
    return all(good for *_, good in rows)


if __name__ == "__main__":
    sys.exit(quickstart.main(bring_up, PREFIX))
