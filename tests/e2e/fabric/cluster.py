"""A Kubernetes cluster of three nodes in a rack with two top-of-rack routers.

    control, outside  ==  tor1 (FRR), tor2 (BIRD)  ==  node1, node2, node3  --  pods

Every node and both hosts have a link to each ToR, and an address on lo that the ToRs know. control runs etcd, kube-apiserver,
kube-controller-manager and kube-scheduler; a node runs containerd, kubelet, kube-proxy and, as a
pod of a DaemonSet, weft. ToR T has 10.1.T.1/24 towards the nodes (node N is 10.1.T.1N there); a
default route is all that nodes know before weft starts. A node's address is 10.0.0.N.
Nodes are AS 64512 in a full mesh, the ToRs are AS 65001 and 65002. Pod ranges come out of
10.244.0.0/16 and fd00:10:244::/48, LoadBalancer addresses are in 203.0.113.0/24.
"""

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor

from .kube import GATES, SERVICES, Kube, Mirror, object_path, program, wait_nodes
from .machine import BASE, DNS, Machine
from .peers import Bird, Frr, Neighbor
from .wait import No, wait_until
from .weft import BUILD, TOP

NODE_AS = 64512
PODS = ["10.244.0.0/16", "fd00:10:244::/48"]
CONTROL = ["172.31.255.1", "fd00:31:255::1"]
OUTSIDE = ["192.0.2.10", "2001:db8:2::10"]
POOL = "203.0.113.0/24"
SCRIPTS = f"{TOP}/tests/e2e"
CONTROLLERS = "nodeipam,nodelifecycle,endpoint,endpointslice,serviceaccount,serviceaccount-token," \
    "root-ca-cert-publisher,daemonset,deployment,replicaset,podgc,namespace"


class Tor:
    """A top-of-rack router with a bridge for the nodes and one for the hosts."""

    def __init__(self, lab, t, kind):
        self.t, self.asn, self.name, self.kind = t, 65000 + t, f"tor{t}", kind
        self.ns = lab.ns(self.name)
        self.neighbors, self.daemon = [], None
        for dev, net in (("rack", f"10.1.{t}"), ("hosts", f"10.2.{t}")):
            self.ns.ip("link", "add", dev, "type", "bridge")
            self.ns.addr(dev, f"{net}.1/24", f"fd00:{net.replace('.', ':')}::1/64")

    def plug(self, lab, ns, dev, bridge, host):
        """A port of a bridge, and the other end's addresses: [IPv4, IPv6]."""
        net = f"10.{1 if bridge == 'rack' else 2}.{self.t}"
        own = [f"{net}.{host}", f"fd00:{net.replace('.', ':')}::{host}"]
        lab.link(self.ns, f"{ns.name}", ns, dev, (), [f"{own[0]}/24", f"{own[1]}/64"])
        self.ns.ip("link", "set", ns.name, "master", bridge)
        return own

    def gateway(self, bridge):
        net = f"10.{1 if bridge == 'rack' else 2}.{self.t}"
        return [f"{net}.1", f"fd00:{net.replace('.', ':')}::1"]

    def start(self):
        self.daemon = self.kind(self.ns, self.asn, f"10.255.0.{self.t}", self.neighbors).start()


def own_address(ns, tors, bridge, addrs, links):
    """Give a machine addresses on lo that all ToRs know, and a default route by all ToRs.

    links: its addresses on each ToR's bridge. All it sends comes from addrs.
    """
    for i, (family, addr) in enumerate(zip(("-4", "-6"), addrs)):
        ns.addr("lo", f"{addr}/{128 if i else 32}")
        for tor, link in zip(tors, links):
            tor.ns.ip(family, "route", "add", addr, "via", link[i])
        hops = [w for t in tors for w in ("nexthop", "via", t.gateway(bridge)[i])]
        ns.ip(family, "route", "add", "default", "src", addr, *hops)


class Host:
    """A machine without BGP behind both ToRs, with an address of its own on lo."""

    def __init__(self, lab, tors, name, addrs, host):
        self.ns, self.addrs = lab.ns(name, router=False), addrs
        links = [tor.plug(lab, self.ns, f"eth{i}", "hosts", host) for i, tor in enumerate(tors)]
        own_address(self.ns, tors, "hosts", addrs, links)


class Node:
    """One node of the cluster: its machine, its addresses and what weft says there."""

    def __init__(self, lab, tors, n):
        self.n, self.name = n, f"node{n}"
        self.ns = lab.ns(self.name)
        self.addrs = [f"10.0.0.{n}", f"fd00::{n}"]
        self.uplinks = [f"eth{i}" for i in range(len(tors))]
        links = [tor.plug(lab, self.ns, dev, "rack", 10 + n) for dev, tor in zip(self.uplinks, tors)]
        own_address(self.ns, tors, "rack", self.addrs, links)
        for tor, link in zip(tors, links):
            tor.neighbors.append(Neighbor(link[0], NODE_AS, *tor.gateway("rack"), transit=False))
        self.machine = Machine(self.ns)
        self.run_dir = f"{self.ns.dir}/weft"

    def weft(self, *words, check=True):
        return self.ns.run(f"{BUILD}/ctl/weft", "--run-dir", self.run_dir, *words, check=check)

    def json(self, *words):
        p = self.weft(*words, "-o", "json", check=False)
        assert p.returncode in (0, 1), f"{self.name}: weft {' '.join(words)}: {p.stdout}{p.stderr}"
        return json.loads(p.stdout)

    def established(self):
        return {p["name"] for p in self.json("peers")["peers"] if p["state"] == "Established"}


class Cluster:
    """The whole; start() brings up everything but weft, start_weft() that."""

    def __init__(self, lab, nodes=3, say=lambda text: None):
        self.lab, self.say = lab, say
        self.tors = [Tor(lab, 1, Frr), Tor(lab, 2, Bird)]
        self.control = Host(lab, self.tors, "control", CONTROL, 5)
        self.outside = Host(lab, self.tors, "outside", OUTSIDE, 10)
        self.kube = Kube(self.control.ns, CONTROL, controllers=True,
                         flags=["--kubelet-preferred-address-types=InternalIP"])
        self.nodes = [Node(lab, self.tors, n + 1) for n in range(nodes)]
        self.mirror = None

    # -- bringing it up -------------------------------------------------------------------

    def start(self):
        with ThreadPoolExecutor(8) as pool:
            waits = [pool.submit(t.start) for t in self.tors]
            waits += [pool.submit(n.machine.start_containerd) for n in self.nodes]
            self.say("starting the control plane: etcd, kube-apiserver, controller manager, scheduler")
            self.kube.start()
            self._start_controllers()
            for w in waits:
                w.result()
        self.say("starting containerd, kubelet and kube-proxy on every node")
        for n in self.nodes:
            n.machine.start_proxy(self.kube, PODS)
            n.machine.start_kubelet(self.kube, ",".join(n.addrs))
        self.mirror = Mirror(self.kube)
        return wait_nodes(self.kube, [n.name for n in self.nodes])

    def _start_controllers(self):
        k, ns = self.kube, self.control.ns
        ns.spawn(program("kube-controller-manager"), "--allocate-node-cidrs", "--leader-elect=false", "--port=0",
                 f"--kubeconfig={k.kubeconfig('controllers', '/CN=system:kube-controller-manager')}",
                 f"--cluster-cidr={','.join(PODS)}", "--node-cidr-mask-size-ipv4=24",
                 "--node-cidr-mask-size-ipv6=64", f"--service-cluster-ip-range={SERVICES}",
                 f"--service-account-private-key-file={k.account_key}", f"--root-ca-file={k.authority.cert}",
                 "--use-service-account-credentials", f"--feature-gates={GATES}", "--kube-api-qps=200",
                 "--kube-api-burst=400", f"--controllers={CONTROLLERS}", log="kube-controller-manager.log")
        ns.spawn(program("kube-scheduler"), "--leader-elect=false", "--port=0",
                 f"--kubeconfig={k.kubeconfig('scheduler', '/CN=system:kube-scheduler')}", log="kube-scheduler.log")

    # -- pods ------------------------------------------------------------------------------

    def daemon_set(self, name, command, namespace="default", **pod):
        """A DaemonSet of pods with Python from the host and pods.py in /srv."""
        return {"apiVersion": "apps/v1", "kind": "DaemonSet",
                "metadata": {"name": name, "namespace": namespace},
                "spec": {"selector": {"matchLabels": {"app": name}},
                         "template": {"metadata": {"labels": {"app": name}},
                                      "spec": pod_spec(name, command, **pod)}}}

    def wait_pods(self, app, namespace="default", count=None, deadline_s=60):
        """Until count pods (default: one a node) of an app are ready; the pods by node's name."""
        def ready():
            pods = [p for p in self.kube.items(f"/api/v1/namespaces/{namespace}/pods?labelSelector=app%3D{app}")
                    if "deletionTimestamp" not in p["metadata"]]
            good = {p["spec"].get("nodeName"): p for p in pods if is_ready(p)}
            return len(good) == (count or len(self.nodes)) and good or No(
                [(p["metadata"]["name"], p["status"].get("phase"), p["status"].get("conditions")) for p in pods])
        return wait_until(ready, deadline_s, f"pods of {app} are ready", every_s=0.1)

    def ask(self, ns, url, timeout_s=3):
        """What a pod's web server (pods.py serve) answers to somebody in ns."""
        return json.loads(ns.run("python3", f"{SCRIPTS}/pods.py", "ask", url, timeout=timeout_s + 5))


def is_ready(pod):
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ()))


def pod_spec(name, command, volumes=None, **more):
    """Spec of a pod with one container. volumes: {path in it: folder of the host} besides /usr."""
    mounts = {"/usr": "/usr", "/srv": SCRIPTS, **(volumes or {})}
    env = [{"name": key, "valueFrom": {"fieldRef": {"fieldPath": path}}}
           for key, path in (("POD", "metadata.name"), ("NODE", "spec.nodeName"))]
    container = {"name": name, "image": BASE, "imagePullPolicy": "Never", "command": command, "env": env,
                 "volumeMounts": [{"name": f"v{i}", "mountPath": path, "readOnly": path in ("/usr", "/srv")}
                                  for i, path in enumerate(mounts)]}
    container.update(more.pop("container", {}))
    return {"containers": [container], "terminationGracePeriodSeconds": 1,
            "volumes": [{"name": f"v{i}", "hostPath": {"path": source}} for i, source in enumerate(mounts.values())],
            **more}
