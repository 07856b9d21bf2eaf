"""A Kubernetes cluster of three nodes in a rack with two top-of-rack routers.

    control, outside  ==  tor1 (FRR), tor2 (BIRD)  ==  node1, node2, node3  --  pods

Every node and both hosts have a link to each ToR, and an address on lo that the ToRs know. control runs etcd, kube-apiserver,
kube-controller-manager and kube-scheduler; a node runs containerd, kubelet, kube-proxy and, as a
pod of a DaemonSet, weft. ToR T has 10.1.T.1/24 towards the nodes (node N is 10.1.T.1N there); a
default route is all that nodes know before weft starts. A node's address is 10.0.0.N.
Nodes are AS 64512 in a full mesh, the ToRs are AS 65001 and 65002. Pod ranges come out of
10.244.0.0/16 and fd00:10:244::/48; the Service of the web servers has the LoadBalancer addresses VIPS.
"""

import json
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from .kube import GATES, SERVICES, Kube, program, wait_nodes
from .machine import BASE, DNS, Machine, make_image
from .peers import Bird, Frr, Neighbor
from .wait import No, wait_until
from .weft import BUILD, TOP, to_yaml

NODE_AS = 64512
PODS = ["10.244.0.0/16", "fd00:10:244::/48"]
CONTROL = ["172.31.255.1", "fd00:31:255::1"]
OUTSIDE = ["192.0.2.10", "2001:db8:2::10"]
VIPS = ["203.0.113.10", "2001:db8:113::10"]
SCRIPTS = f"{TOP}/tests/e2e"
TIMERS = {"connectRetry": "1s", "hold": "9s", "keepalive": "3s"}
CAPABILITIES = ["SETUID", "SETGID", "SYS_CHROOT", "KILL", "SYS_NICE", "NET_RAW", "NET_BIND_SERVICE",
                "NET_ADMIN", "DAC_READ_SEARCH", "CHOWN"]
RULES = [
    {"apiGroups": [""], "resources": ["nodes", "services"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["nodes", "nodes/status", "services/status"], "verbs": ["patch"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update", "patch"]},
    {"apiGroups": ["weft.dev"], "resources": ["*"], "verbs": ["get", "list", "watch", "patch"]},
]
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


def join(lab, a, b):
    """A link between two ToRs, by which each reaches what is on the other's bridges: kube-proxy gives
    a node's own requests the address of the link that they leave by."""
    ends = [(f"10.3.0.{i}", f"fd00:10:3::{i}") for i in (1, 2)]
    lab.link(a.ns, "peer", b.ns, "peer", *[[f"{v4}/30", f"{v6}/64"] for v4, v6 in ends])
    for tor, other, via in ((a, b, ends[1]), (b, a, ends[0])):
        for n in (1, 2):
            tor.ns.ip("route", "add", f"10.{n}.{other.t}.0/24", "via", via[0])
            tor.ns.ip("-6", "route", "add", f"fd00:10:{n}:{other.t}::/64", "via", via[1])


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
        self.run_dir = f"{self.machine.lib}/weft"

    def weft(self, *words, check=True):
        return self.ns.run(f"{BUILD}/ctl/weft", "--run-dir", self.run_dir, *words, check=check)

    def json(self, *words):
        p = self.weft(*words, "-o", "json", check=False)
        assert p.returncode in (0, 1), f"{self.name}: weft {' '.join(words)}: {p.stdout}{p.stderr}"
        return json.loads(p.stdout)

    def established(self):
        return {p["name"] for p in self.json("peers")["peers"] if p["state"] == "Established"}


class Cluster:
    """The whole. say is told what is done."""

    def __init__(self, lab, nodes=3, say=lambda text: None):
        self.lab, self.say = lab, say
        self.tors = [Tor(lab, 1, Frr), Tor(lab, 2, Bird)]
        join(lab, *self.tors)
        self.control = Host(lab, self.tors, "control", CONTROL, 5)
        self.outside = Host(lab, self.tors, "outside", OUTSIDE, 10)
        self.kube = Kube(self.control.ns, CONTROL, controllers=True,
                         flags=["--kubelet-preferred-address-types=InternalIP"])
        self.nodes = [Node(lab, self.tors, n + 1) for n in range(nodes)]

    # -- bringing it up -------------------------------------------------------------------

    def start_all(self):
        """Everything there is, running and with all sessions up."""
        self.start()
        self.say("creating weft, a web server on every node and a DNS server, as pods")
        self.start_weft()
        self.start_web()
        self.start_dns()
        self.wait_weft()
        self.say("every node has its sessions with both ToRs and the other nodes")
        self.wait_pods("web")
        self.wait_pods("dns", "kube-system", 1)
        self.say("all pods are ready")
        return self

    def start(self):
        """The machines and Kubernetes, without pods."""
        self.say("starting the control plane: etcd, kube-apiserver, controller manager, scheduler")
        for p in (self.kube.etcd, self.kube.apiserver):
            p.start(wait=False)
        self.say("starting the routers, and containerd on every node")
        for t in self.tors:
            t.start()
        for n in self.nodes:
            n.machine.start_containerd()
        make_image(self.lab.dir)
        # Threads may wait for programs, but not start them: those end with the thread.
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(lambda n: n.machine.load_image(), self.nodes))
        self.kube.start()
        self._start_controllers()
        self.say("starting kubelet and kube-proxy on every node")
        for n in self.nodes:
            n.machine.start_proxy(self.kube, PODS)
            n.machine.start_kubelet(self.kube, ",".join(n.addrs))
        self.kube.start_mirror()
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

    def weft_config(self):
        """What all nodes have: one text for the whole cluster."""
        return {"node": {"name": "${NODE}", "ip": "interface=lo"},
                "bgp": {"asNumber": NODE_AS, "nodeToNodeMeshEnabled": True,
                        "mesh": {"timers": TIMERS}},
                "peers": [{"name": t.name, "peerIP": t.gateway("rack")[0], "asNumber": t.asn,
                           "sourceAddress": f"eth{i}", "timers": TIMERS} for i, t in enumerate(self.tors)],
                "advertisements": [{"type": "PodCIDR"},
                                   {"type": "Service", "addresses": ["LoadBalancerIP"]}],
                "cni": {"enabled": True},
                "kernel": {"permit": PODS}}

    def install_weft(self, version):
        """Make weft's image (etc/kubernetes/mkimage), with a layer of its own, and give it to the nodes; its name."""
        root, name = f"{self.lab.dir}/weft-{version}", f"weft.test/weft:{version}"
        subprocess.run(["make", "-s", "-C", BUILD, "install", f"DESTDIR={root}"], check=True, capture_output=True)
        subprocess.run([f"{TOP}/etc/kubernetes/mkimage", root, f"{root}.tar", name], check=True,
                       capture_output=True, env={**os.environ, "SOURCE_DATE_EPOCH": str(version)})
        for n in self.nodes:
            n.machine.ctr("images", "import", f"{root}.tar")
        return name

    def weft_daemon_set(self, image):
        """weft as a DaemonSet: on the node's network, with the capabilities it needs and no more."""
        container = {
            "image": image,
            "securityContext": {"readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False,
                                "capabilities": {"drop": ["ALL"], "add": CAPABILITIES}},
            "lifecycle": {"preStop": {"exec": {"command": ["weft", "--run-dir", "/run/weft", "pre-stop"]}}},
            "readinessProbe": {"httpGet": {"host": "127.0.0.1", "port": 9179, "path": "/readyz"}, "periodSeconds": 1}}
        spec = self.daemon_set(
            "weft", ["/usr/bin/weftd", "--config", "/etc/weft/weft.yaml", "--run-dir", "/run/weft",
                     "--cni-dir", "/etc/cni/net.d", "--secret-dir", "/var/run/secrets/kubernetes.io/serviceaccount"],
            "kube-system", container=container, serviceAccountName="weft", hostNetwork=True, host=(),
            priorityClassName="system-node-critical", tolerations=[{"operator": "Exists"}],
            terminationGracePeriodSeconds=60, securityContext={"supplementalGroups": [64510]},
            volumes={"/run/weft": "/var/lib/weft", "/etc/cni/net.d": "/var/lib/cni/net.d",
                     "/etc/weft": {"configMap": {"name": "weft"}}})
        spec["spec"]["minReadySeconds"] = 2
        spec["spec"]["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}}
        return spec

    def start_weft(self):
        """Create weft's objects."""
        self.kube.service_account("weft", RULES)
        self.kube.create(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "weft", "namespace": "kube-system"},
             "data": {"weft.yaml": to_yaml(self.weft_config()) + "\n"}},
            self.weft_daemon_set(self.install_weft(1)))

    def wait_weft(self, deadline_s=60):
        """Until every session is up."""
        names = {t.name for t in self.tors} | {n.name for n in self.nodes}
        for n in self.nodes:
            def joined():
                missing = names - {n.name} - n.established()
                return not missing or No(f"no session with {sorted(missing)}")
            wait_until(joined, deadline_s, f"weft on {n.name} has all sessions", every_s=0.2)

    def update_weft(self, version, old, deadline_s=120):
        """Another image, node by node as the DaemonSet does it; seconds until all are ready.

        old: names of the pods there are now.
        """
        start = time.monotonic()
        image = self.install_weft(version)
        path = "/apis/apps/v1/namespaces/kube-system/daemonsets/weft"
        wanted = self.kube.get(path)
        wanted["spec"] = self.weft_daemon_set(image)["spec"]
        self.kube.put(path, wanted)

        def updated():
            pods = self.ready_pods("weft", "kube-system")
            left = {p["metadata"]["name"] for p in pods.values()} & old
            return len(pods) == len(self.nodes) and not left or No(f"{sorted(pods)} are ready, old: {sorted(left)}")
        wait_until(updated, deadline_s, f"weft {version} runs on all nodes", every_s=0.2)
        return time.monotonic() - start

    # -- what runs in it -----------------------------------------------------------------------

    def start_dns(self):
        """A DNS server as a pod behind the Service that kubelet tells pods of."""
        self.kube.service_account("dns", [{"apiGroups": [""], "resources": ["services"], "verbs": ["list"]}])
        spec = self.daemon_set("dns", ["python3", "/srv/pods.py", "dns"], "kube-system", serviceAccountName="dns",
                               container=probed(8080), nodeSelector={"kubernetes.io/hostname": self.nodes[-1].name})
        service = self.kube.service("dns", 53, "kube-system", clusterIP=DNS)
        service["spec"]["ports"] = [{"name": "dns", "port": 53, "protocol": "UDP"}]
        self.kube.create(spec, service)

    def start_web(self):
        """A web server on every node; its Service is for the outside, too, and keeps the client's address."""
        self.kube.create(
            self.daemon_set("web", ["python3", "/srv/pods.py", "serve", "80"], container=probed(80)),
            self.kube.service("web", type="LoadBalancer", externalTrafficPolicy="Local",
                              ipFamilyPolicy="RequireDualStack", status_ips=VIPS))

    def wait_pods(self, app, namespace="default", count=None, deadline_s=60):
        """Until count pods (default: one a node) of an app are ready; the pods by node's name."""
        def ready():
            good = self.ready_pods(app, namespace)
            return len(good) == (count or len(self.nodes)) and good or No(
                self.kube.kubectl("get", "pods", "-A", "-o", "wide", check=False).stdout)
        return wait_until(ready, deadline_s, f"pods of {app} are ready", every_s=0.2)

    def ready_pods(self, app, namespace="default"):
        """{node's name: ready pod} of an app."""
        pods = self.kube.items(f"/api/v1/namespaces/{namespace}/pods?labelSelector=app%3D{app}")
        return {p["spec"]["nodeName"]: p for p in pods if is_ready(p) and "deletionTimestamp" not in p["metadata"]}

    def wait_announced(self, vips, deadline_s=20):
        """Until every ToR has routes to these addresses by all nodes."""
        for tor in self.tors:
            for vip in vips:
                wait_until(lambda: len(hops(tor.ns, vip)) == len(self.nodes) or No(hops(tor.ns, vip)), deadline_s,
                           f"{tor.name} has a path to {vip} by every node")

    def ask_inside(self, pod, url):
        """The same from within a pod, with the DNS servers that kubelet gave it."""
        return json.loads(self.kube.kubectl("exec", pod, "--", "python3", "/srv/pods.py", "ask", url))

    def ask(self, ns, url):
        """What a pod's web server (pods.py serve) answers to somebody in ns."""
        return self.ask_often(ns, url, 1)[0]

    def ask_often(self, ns, url, times):
        """The same so many times, each over a connection of its own."""
        said = ns.run("python3", f"{SCRIPTS}/pods.py", "ask", url, times, timeout=5 * times + 5)
        return [json.loads(line) for line in said.splitlines()]



def hops(ns, address):
    """Gateways of the kernel's route that serves an address."""
    routes = ns.routes(address, family=6 if ":" in address else 4)
    return {h["gateway"] for r in routes for h in [r, *r.get("nexthops", ())] if "gateway" in h}


def probed(port):
    """Part of a container: ready when its web server answers."""
    return {"readinessProbe": {"httpGet": {"path": "/", "port": port}, "periodSeconds": 1}}


def is_ready(pod):
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ()))


def pod_spec(name, command, volumes=None, host=(("/usr", "/usr"), ("/srv", SCRIPTS)), **more):
    """Spec of a pod with one container. volumes: {path in it: folder of the host, or a volume as data}."""
    mounts = {**dict(host), **(volumes or {})}
    env = [{"name": key, "valueFrom": {"fieldRef": {"fieldPath": path}}}
           for key, path in (("POD", "metadata.name"), ("NODE", "spec.nodeName"))]
    container = {"name": name, "image": BASE, "imagePullPolicy": "Never", "command": command, "env": env,
                 "volumeMounts": [{"name": f"v{i}", "mountPath": path, "readOnly": path in ("/usr", "/srv")}
                                  for i, path in enumerate(mounts)]}
    container.update(more.pop("container", {}))
    sources = [{"hostPath": {"path": s}} if isinstance(s, str) else s for s in mounts.values()]
    return {"containers": [container], "terminationGracePeriodSeconds": 1,
            "volumes": [{"name": f"v{i}", **source} for i, source in enumerate(sources)], **more}
