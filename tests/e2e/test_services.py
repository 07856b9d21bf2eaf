"""Addresses of Kubernetes Services, announced: by policy and endpoints, in time, and for good."""

import contextlib
import ipaddress
import os
import shutil
import socket
import statistics
import struct
import threading
import time

import pytest

from fabric import apistore, bgp, replay
from fabric.peers import Bird, Frr, Neighbor
from fabric.topo import PERMIT, PODS, WEFT_AS
from fabric.wait import No, wait_until
from fabric.weft import Weft, config, peer

TOR_AS = 65010
HERE, THERE = "weft", "node-b"      # this node's name, another one's
SLICES, SERVICES, NODES = replay.SLICES, replay.SERVICES, replay.NODES
LB = {"type": "Service", "addresses": ["LoadBalancerIP"]}


# -- objects ---------------------------------------------------------------------------


def service(name, lb=(), local=False, namespace="d", labels=None, annotations=None, cluster=(), **spec):
    """A Service as an API server has it."""
    body = {"type": "LoadBalancer", "clusterIPs": list(cluster) or ["10.96.9.9"],
            "externalTrafficPolicy": "Local" if local else "Cluster", "internalTrafficPolicy": "Cluster",
            "selector": {"app": name}, "ports": [{"name": "web", "port": 80, "protocol": "TCP", "targetPort": 8080}]}
    body["clusterIP"] = body["clusterIPs"][0]
    return {"metadata": {"name": name, "namespace": namespace, "labels": labels or {}, "annotations": annotations or {}},
            "spec": {**body, **spec},
            "status": {"loadBalancer": {"ingress": [{"ip": a, "ipMode": "VIP"} for a in lb]}}}


def endpoint(node, ready=True, terminating=False, serving=None):
    return {"addresses": ["10.244.1.7"], "nodeName": node, "zone": "z1",
            "targetRef": {"kind": "Pod", "namespace": "d", "name": "web-7d4c9d7b9-abcde"},
            "conditions": {"ready": ready and not terminating, "serving": ready if serving is None else serving,
                           "terminating": terminating}}


def slice_of(name, *endpoints, family="IPv4", part=1, namespace="d"):
    return {"metadata": {"name": f"{name}-{family.lower()}-{part}", "namespace": namespace,
                         "labels": {"kubernetes.io/service-name": name}},
            "addressType": family, "endpoints": list(endpoints),
            "ports": [{"name": "web", "port": 8080, "protocol": "TCP"}]}


# -- a peer that notes when what came ----------------------------------------------------


def prefixes(data):
    out = []
    while data:
        n = (data[0] + 7) // 8
        out.append(f"{ipaddress.ip_address(data[1:1 + n].ljust(4, bytes(1)))}/{data[0]}")
        data = data[1 + n:]
    return out


def attributes(data):
    """{type: value}"""
    out = {}
    while data:
        long = data[0] & 0x10
        n = struct.unpack_from("!H" if long else "!B", data, 2)[0]
        at = 4 if long else 3
        out[data[1]], data = data[at:at + n], data[at + n:]
    return out


class Listener:
    """An established session whose IPv4 UPDATEs become [(when, announced?, prefix, attributes)]."""

    def __init__(self, site, **kw):
        # As a router does: a connection from before the cluster is known may be refused.
        self.conn = wait_until(lambda: bgp.connect(site.p, "10.9.1.2", "10.9.1.1").establish(
            TOR_AS, "10.9.1.2", hold=180, **kw), 8, "the session is up")
        self.conn.send(bgp.UPDATE, bgp.end_of_rib("ipv4"))
        self.heard, self.end_of_rib, self.over = [], None, False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        c = self.conn
        for kind, body in c.received:
            self._take(time.monotonic(), kind, body)
        c.sock.settimeout(0.2)
        while not self.over:
            try:
                data = c.sock.recv(65536)
            except socket.timeout:
                c.sock.sendall(bgp.message(bgp.KEEPALIVE))
                continue
            except OSError:
                return
            now = time.monotonic()
            if not data:
                return
            c.buf += data
            while len(c.buf) >= 19 and len(c.buf) >= struct.unpack_from("!H", c.buf, 16)[0]:
                n = struct.unpack_from("!H", c.buf, 16)[0]
                self._take(now, c.buf[18], c.buf[19:n])
                c.buf = c.buf[n:]

    def _take(self, now, kind, body):
        if kind != bgp.UPDATE:
            return
        n = struct.unpack_from("!H", body)[0]
        m = struct.unpack_from("!H", body, 2 + n)[0]
        attrs = attributes(body[4 + n:4 + n + m])
        if len(body) == 4:
            self.end_of_rib = self.end_of_rib or now
        self.heard += [(now, False, p, {}) for p in prefixes(body[2:2 + n])]
        self.heard += [(now, True, p, attrs) for p in prefixes(body[4 + n + m:])]

    def table(self):
        """{prefix: attributes} as announced by now."""
        out = {}
        for _, on, prefix, attrs in list(self.heard):
            if on:
                out[prefix] = attrs
            else:
                out.pop(prefix, None)
        return out

    def has(self, *wanted, deadline_s=5):
        """Until it has these and no others but the pod CIDRs; the table."""
        def same():
            t = {p: a for p, a in self.table().items() if not p.startswith("10.244.")}
            return [t] if set(t) == set(wanted) else No(sorted(t))
        return wait_until(same, deadline_s, f"exactly {wanted} announced")[0]

    def close(self):
        self.over = True
        self.thread.join()
        self.conn.close()


class Site:
    """weft at 10.9.1.1; a namespace with an API server and a peer at 10.9.1.2."""

    def __init__(self, lab, api_server=None, ads=(LB,), listen=True, version="1.36", before=None, kubeconfig=None,
                 **more):
        self.w, self.p = lab.ns("weft"), lab.ns("rack")
        lab.link(self.w, "eth0", self.p, "eth0", ["10.9.1.1/24", "fd09:1::1/64"], ["10.9.1.2/24", "fd09:1::2/64"])
        self.kubeconfig = kubeconfig(self.w) if kubeconfig else self.serve(api_server, version, before)
        # The keys of more that are dicts are merged.
        self.conf = config(HERE, WEFT_AS, ["10.9.1.1", "fd09:1::1"],
                           [peer("tor", "10.9.1.2", TOR_AS, passive=True, timers={"hold": "180s"})],
                           PODS, PERMIT, kubernetes={"enabled": True, "kubeconfig": self.kubeconfig},
                           advertisements=[{"type": "PodCIDR"}, *ads], **more)
        self.weft = Weft(self.w, self.conf).start()
        self.peer = Listener(self) if listen else None

    def serve(self, api_server, version, before):
        """An API server of our own at the peer's address; a kubeconfig for it."""
        self.api = api_server(self.p, "10.9.1.2", version=version)
        self.api.store.put(NODES, apistore.node(HERE, ["10.9.1.1"]))
        if before:
            before(self.api)
        shutil.copy(self.api.ca.cert, f"{self.w.dir}/ca.crt")
        return self.api.kubeconfig(f"{self.w.dir}/kubeconfig", ca=f"{self.w.dir}/ca.crt")

    def put(self, *objects):
        for o in objects:
            self.api.store.put(SLICES if "addressType" in o else SERVICES, o)

    def drop(self, obj, path=SLICES):
        self.api.store.delete(path, obj["metadata"]["namespace"], obj["metadata"]["name"])

    def known(self):
        """Until Services are followed."""
        wait_until(lambda: any(e["event"] == "services-known" for e in self.weft.events()), 8, "Services are known")
        return self

    def why(self, address):
        for s in self.weft.json("services")["services"]:
            for a in s["addresses"]:
                if a["address"] == address:
                    return a["why"]
        return None


def communities(attrs):
    data = attrs.get(8, b"")
    return {f"{data[i] << 8 | data[i + 1]}:{data[i + 2] << 8 | data[i + 3]}" for i in range(0, len(data), 4)}


# -- tests -----------------------------------------------------------------------------


@pytest.mark.slice
def test_policies(lab, api_server):
    """What is announced follows endpoints and policy; every address says why; the wire has the attributes."""
    site = Site(lab, api_server, ads=[
        {**LB, "selector": "expose == 'bgp'", "communities": ["64512:7", "front"], "med": 30},
        {"type": "Service", "addresses": ["ClusterIP"], "namespaces": ["infra"], "aggregationLength": 24}],
        communities=[{"name": "front", "value": "64512:8"}]).known()
    on = {"expose": "bgp"}
    site.put(service("all", ["192.0.2.1"], labels=on), slice_of("all", endpoint(THERE)),
             service("here", ["192.0.2.2"], local=True, labels=on), slice_of("here", endpoint(HERE)),
             service("there", ["192.0.2.3"], local=True, labels=on), slice_of("there", endpoint(THERE)),
             service("none", ["192.0.2.4"], labels=on), slice_of("none", endpoint(HERE, ready=False)),
             service("unselected", ["192.0.2.5"]), slice_of("unselected", endpoint(HERE)),
             service("class", ["192.0.2.6"], labels=on, loadBalancerClass="x/y"), slice_of("class", endpoint(HERE)),
             service("own", ["192.0.2.7"], labels=on, annotations={"weft.dev/communities": "64512:9, 64512:1:2"}),
             slice_of("own", endpoint(THERE)),
             service("dns", cluster=["10.96.0.10"], namespace="infra"),
             slice_of("dns", endpoint(THERE), namespace="infra"))
    got = site.peer.has("192.0.2.1/32", "192.0.2.2/32", "192.0.2.7/32", "10.96.0.0/24")
    assert communities(got["192.0.2.1/32"]) == {"64512:7", "64512:8"}
    assert communities(got["192.0.2.7/32"]) == {"64512:7", "64512:8", "64512:9"}
    assert got["192.0.2.7/32"][32] == struct.pack("!III", 64512, 1, 2)
    assert got["192.0.2.1/32"][4] == struct.pack("!I", 30)
    assert 6 in got["10.96.0.0/24"] and 6 not in got["192.0.2.1/32"]      # ATOMIC_AGGREGATE
    assert site.why("192.0.2.3") == "policy Local, and no endpoint on this node is ready"
    assert site.why("192.0.2.4") == "no endpoint is ready"
    assert site.why("192.0.2.5") == "no advertisement selects it"
    assert "another implementation" in site.why("192.0.2.6")
    assert site.why("10.96.0.10") == "announced by 10.96.0.0/24"
    # The kernel has nothing of ours for any of them: kube-proxy has to find what is sent to them.
    assert not [r for r in site.weft.kernel_routes() if r["dst"].startswith(("192.0.2.", "10.96."))]
    # The way back: endpoints go, a Service goes, a Service changes.
    site.put(slice_of("all", endpoint(THERE, ready=False)), service("here", ["192.0.2.12"], local=True, labels=on))
    site.drop(service("own"), SERVICES)
    site.peer.has("192.0.2.12/32", "10.96.0.0/24")
    # Without the advertisements nothing of them is left, and they come back.
    site.weft.write_config({**site.conf, "advertisements": [{"type": "PodCIDR"}]})
    site.weft.weft("reload")
    site.peer.has()
    site.weft.write_config(site.conf)
    site.weft.weft("reload")
    site.peer.has("192.0.2.12/32", "10.96.0.0/24")
    # While weft observes nothing is announced, nor in the kernel.
    site.weft.write_config({**site.conf, "observe": True})
    site.weft.weft("reload")
    site.peer.has()
    assert "10.96.0.0" not in site.w.run("ip", "rule")
    site.weft.write_config(site.conf)
    site.weft.weft("reload")
    site.peer.has("192.0.2.12/32", "10.96.0.0/24")
    assert site.w.run("ip", "rule").count("10.96.0.0/24") == 2


def test_no_loops(lab, api_server):
    """Forwarded packets to addresses of an aggregate that nobody has are dropped; our own are not refused."""
    site = Site(lab, api_server, ads=[{**LB, "aggregationLength": 24, "aggregationLengthIPv6": 64}]).known()
    site.w.run("ip", "route", "add", "default", "via", "10.9.1.2")
    site.w.run("sysctl", "-qw", "net.ipv4.ip_forward=1")

    def way(*words):
        return site.w.run("ip", "route", "get", *words, check=False)
    assert "via 10.9.1.2" in way("192.0.2.77", "from", "10.9.1.2", "iif", "eth0").stdout
    site.put(service("web", ["192.0.2.1"]), slice_of("web", endpoint(THERE)),
             service("six", ["2001:db8::1"]), slice_of("six", endpoint(THERE), family="IPv6"))
    site.peer.has("192.0.2.0/24")
    for unused in ("192.0.2.77", "192.0.2.1"):
        assert way(unused, "from", "10.9.1.2", "iif", "eth0").returncode != 0
        assert "via 10.9.1.2" in way(unused).stdout
    assert "via 10.9.1.2" in way("192.0.3.1", "from", "10.9.1.2", "iif", "eth0").stdout
    wait_until(lambda: "2001:db8::/64" in site.w.run("ip", "-6", "rule"), 5, "IPv6, too")
    # Another life takes over what is there; rules go with their aggregate, and at the end.
    site.weft.kill()
    site.w.run("ip", "rule", "add", "pref", "32701", "to", "198.51.100.0/24", "blackhole", "protocol", "212")
    site.weft.start()
    wait_until(lambda: "198.51.100" not in site.w.run("ip", "rule"), 10, "what is left over goes")
    assert site.w.run("ip", "rule").count("192.0.2.0/24") == 2
    site.drop(slice_of("web", endpoint(THERE)))
    wait_until(lambda: "192.0.2.0/24" not in site.w.run("ip", "rule"), 5, "the rules go")
    site.weft.stop()
    assert "proto 212" not in site.w.run("ip", "-6", "rule")


@pytest.mark.patient
@pytest.mark.parametrize("kind", [Bird, Frr])
def test_routers(lab, api_server, kind):
    """What BIRD and FRR make of it: host routes and an aggregate with communities, both families, and no more."""
    site = Site(lab, api_server, ads=[{**LB, "communities": ["64512:7", "64512:7:8"]}, {
        "type": "Service", "addresses": ["ClusterIP"], "aggregationLength": 24, "communities": ["64512:9"]}], listen=False)
    router = kind(site.p, TOR_AS, "10.9.1.2", [Neighbor("10.9.1.1", WEFT_AS, "10.9.1.2", "fd09:1::2")]).start()
    router.wait_established("10.9.1.1")
    site.put(service("web", ["192.0.2.1", "2001:db8::1"]), slice_of("web", endpoint(HERE)),
             slice_of("web", endpoint(HERE), family="IPv6"))

    def knows(prefix, *words):
        def told():
            text = str(router.route(prefix)).replace("(", "").replace(")", "").replace(",", ":").replace(" ", "")
            missing = [w for w in words if w not in text]
            return text != "[]" and not missing or No(text)
        wait_until(told, 8, f"{prefix} with {words}")
    knows("192.0.2.1/32", "64512:7", "64512:7:8")
    knows("2001:db8::1/128", "64512:7", "64512:7:8")
    knows("10.96.9.0/24", "64512:9")
    site.put(slice_of("web", endpoint(HERE, ready=False)))
    # The pod CIDRs are left, and what has an endpoint in IPv6.
    wait_until(lambda: router.received("10.9.1.1") == {"ipv4": 1, "ipv6": 2} or No(router.received("10.9.1.1")), 8,
               "it is gone")


def test_named_twice(lab, api_server):
    """A prefix that the configuration names is the configuration's; it changes hands without a withdrawal."""
    own = {"type": "Prefix", "prefixes": ["192.0.2.1/32"], "communities": ["64512:1"]}
    ads = [{**LB, "communities": ["64512:2"]}]
    site = Site(lab, api_server, ads=[own, *ads]).known()
    site.put(service("web", ["192.0.2.1"]), slice_of("web", endpoint(HERE)),
             service("two", ["192.0.2.2"]), slice_of("two", endpoint(HERE)))

    def belongs(to):
        wait_until(lambda: communities(site.peer.table()["192.0.2.1/32"]) == {to}, 5, f"it is announced with {to}")
    site.peer.has("192.0.2.1/32", "192.0.2.2/32")
    belongs("64512:1")
    for rules, whose in ((ads, "64512:2"), ([own, *ads], "64512:1"), (ads, "64512:2")):
        site.weft.write_config({**site.conf, "advertisements": [{"type": "PodCIDR"}, *rules]})
        site.weft.weft("reload")
        belongs(whose)
    assert not [p for _, on, p, _ in site.peer.heard if not on]
    site.drop(slice_of("web"))
    site.peer.has("192.0.2.2/32")


KUBE_PROXY = """
table ip proxy {
  chain pre { type nat hook prerouting priority -100; ip daddr 192.0.2.1 tcp dport 80 dnat to 10.9.1.2:8080; }
  chain out { type nat hook output priority -100; ip daddr 192.0.2.1 tcp dport 80 dnat to 10.9.1.2:8080; }
  chain post { type nat hook postrouting priority 100; ct status dnat masquerade; }
}
"""


def test_beside_kube_proxy(lab, api_server):
    """Neither an aggregate's rules nor a learned route of another node keep packets from kube-proxy."""
    site = Site(lab, api_server, ads=[{**LB, "aggregationLength": 24}],
                kernel={"permit": [*PERMIT, "192.0.2.0/24"]}).known()
    with bgp.listener(site.p, "10.9.1.2", 8080) as server:
        site.w.run("ip", "route", "add", "default", "via", "10.9.1.2")
        site.w.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        site.w.run("nft", "-f", "-", stdin=KUBE_PROXY)
        site.p.run("ip", "route", "add", "192.0.2.0/24", "via", "10.9.1.1")

        def works(ns):
            with ns.entered():
                s = socket.socket()
            with s:
                s.settimeout(3)
                s.connect(("192.0.2.1", 80))
                server.accept()[0].close()
        # Another node's route for the address is learned and installed, as the configuration permits it.
        site.peer.conn.send(bgp.UPDATE, bgp.update_body(["192.0.2.1/32"], next_hop="10.9.1.2", as_path=[TOR_AS]))
        wait_until(lambda: any(r["dst"] == "192.0.2.1" for r in site.weft.kernel_routes()), 5, "it is installed")
        works(site.w)
        works(site.p)
        # This node announces an aggregate of it.
        site.put(service("web", ["192.0.2.1"]), slice_of("web", endpoint(HERE)))
        site.peer.has("192.0.2.0/24")
        works(site.w)
        works(site.p)


def test_terminating(lab, api_server):
    """policy Local: withdrawn when the endpoint terminates, not when it is gone; the last one that serves stays."""
    site = Site(lab, api_server).known()
    site.put(service("web", ["192.0.2.1"], local=True), slice_of("web", endpoint(HERE)))
    site.peer.has("192.0.2.1/32")
    # A rolling update: the new endpoint is ready elsewhere, ours terminates and still serves.
    site.put(slice_of("web", endpoint(HERE), endpoint(THERE)))
    site.put(slice_of("web", endpoint(HERE, terminating=True), endpoint(THERE)))
    site.peer.has()
    # Nobody else can serve: ours stays to its end.
    site.put(slice_of("web", endpoint(HERE)))
    site.peer.has("192.0.2.1/32")
    heard = len(site.peer.heard)
    site.put(slice_of("web", endpoint(HERE, terminating=True)))
    wait_until(lambda: "terminating" in site.why("192.0.2.1") or No(site.why("192.0.2.1")), 5, "the reason is told")
    assert len(site.peer.heard) == heard
    site.put(slice_of("web", endpoint(HERE, terminating=True, serving=False)))
    site.peer.has()


def test_labelled_out(lab, api_server):
    """A node that its label excludes from load balancers announces their addresses no longer."""
    site = Site(lab, api_server, ads=[{**LB, "addresses": ["LoadBalancerIP", "ClusterIP"]}]).known()
    site.put(service("web", ["192.0.2.1"]), slice_of("web", endpoint(HERE)))
    site.peer.has("192.0.2.1/32", "10.96.9.9/32")
    site.api.store.put(NODES, apistore.node(HERE, ["10.9.1.1"], labels={
        "node.kubernetes.io/exclude-from-external-load-balancers": ""}))
    site.peer.has("10.96.9.9/32")
    site.api.store.put(NODES, apistore.node(HERE, ["10.9.1.1"]))
    site.peer.has("192.0.2.1/32", "10.96.9.9/32")


@pytest.mark.patient
def test_server_gone(lab, api_server):
    """The API server is killed, hangs, comes back: no UPDATE but for what has changed meanwhile."""
    site = Site(lab, api_server).known()
    site.put(service("web", ["192.0.2.1"]), slice_of("web", endpoint(HERE)),
             service("two", ["192.0.2.2"]), slice_of("two", endpoint(HERE)))
    site.peer.has("192.0.2.1/32", "192.0.2.2/32")
    heard = len(site.peer.heard)
    site.api.stop()
    wait_until(lambda: site.weft.weft("services", check=False).returncode == 1, 8, "the outage is noticed")
    assert "announced" in site.why("192.0.2.1")
    site.drop(slice_of("two"))
    site.api.start()
    site.peer.has("192.0.2.1/32", deadline_s=2)
    assert [(on, p) for _, on, p, _ in site.peer.heard[heard:]] == [(False, "192.0.2.2/32")]
    # The past is forgotten: it lists again, and nothing changes.
    site.api.store.compact()
    site.api.cut_watches()
    site.put(service("three", ["192.0.2.3"]), slice_of("three", endpoint(THERE)))
    site.peer.has("192.0.2.1/32", "192.0.2.3/32")
    assert len(site.peer.heard) == heard + 2


def no_slices(req):
    return "endpointslices" not in req.path


def no_objects(req):
    return "bgpadvertisements" not in req.path


def from_an_object(api):
    """The advertisement is a custom resource."""
    api.store.put("/apis/weft.dev/v1alpha1/bgpadvertisements", {"metadata": {"name": "services"}, "spec": LB})


@pytest.mark.patient
@pytest.mark.parametrize("ads,before,late", [([LB], None, no_slices), ([], from_an_object, no_objects)],
                         ids=["slices", "advertisement"])
def test_restart_waits(lab, api_server, ads, before, late):
    """After a restart End-of-RIB waits for Services, though they are late; no route is lost."""
    site = Site(lab, api_server, ads=ads, listen=False, before=before)
    site.put(service("web", ["192.0.2.1"]), slice_of("web", endpoint(HERE)))
    caps = bgp.cap_mp("ipv4") + bgp.cap_as4(TOR_AS) + bgp.cap_gr(120, ["ipv4"])
    first = Listener(site, caps=caps)
    first.has("192.0.2.1/32")
    site.weft.weft("prepare-restart")
    site.weft.stop()
    first.close()
    forget(site)
    site.api.allow = late
    site.weft.start()
    again = Listener(site, caps=caps)
    wait_until(lambda: any(p.startswith("10.244.") for p in again.table()), 8, "the pod CIDRs are announced")
    assert again.end_of_rib is None
    site.api.allow = None
    again.has("192.0.2.1/32", deadline_s=8)
    wait_until(lambda: again.end_of_rib, 5, "End-of-RIB")
    at = next(t for t, on, p, _ in again.heard if p == "192.0.2.1/32")
    assert at <= again.end_of_rib
    assert not [p for _, on, p, _ in again.heard if not on]
    again.close()


def forget(site):
    """Another life, which knows nothing of this one's cluster."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{site.weft.run_dir}/kept-cluster")


@pytest.mark.patient
def test_restart_while_server_is_gone(lab, api_server):
    """What was announced is announced before End-of-RIB, with its attributes; then the server is asked."""
    site = Site(lab, api_server, ads=[{**LB, "communities": ["64512:7"], "peers": ["tor"]}], listen=False)
    web, gone = (service(n, [a]) for n, a in (("web", "192.0.2.1"), ("gone", "192.0.2.2")))
    site.put(web, slice_of("web", endpoint(HERE)), gone, slice_of("gone", endpoint(HERE)))
    caps = bgp.cap_mp("ipv4") + bgp.cap_as4(TOR_AS) + bgp.cap_gr(120, ["ipv4"])
    first = Listener(site, caps=caps)
    first.has("192.0.2.1/32", "192.0.2.2/32")
    before = first.table()
    kept = f"{site.weft.run_dir}/kept-cluster"
    # An IPv4 host prefix as the file has it.
    wait_until(lambda: all(socket.inet_aton(a) + b"\x20" in (open(kept, "rb").read() if os.path.exists(kept) else b"")
                           for a in ("192.0.2.1", "192.0.2.2")), 5, "both are kept")
    site.weft.weft("prepare-restart")
    site.api.stop()
    site.weft.stop()
    first.close()
    site.weft.start()
    again = Listener(site, caps=caps)
    wait_until(lambda: again.end_of_rib, 12, "End-of-RIB")
    assert again.table() == before
    site.drop(slice_of("gone", endpoint(HERE)))
    site.api.start()
    wait_until(lambda: "192.0.2.2/32" not in again.table(), 8, "what is no more is withdrawn")
    assert not [p for _, on, p, _ in again.heard if not on and p != "192.0.2.2/32"]
    again.close()


@pytest.mark.patient
def test_without_server(lab, api_server):
    """Without a right to see EndpointSlices End-of-RIB comes 10 s late, and weft says why."""
    began = time.monotonic()
    site = Site(lab, api_server, listen=False, before=lambda api: setattr(api, "allow", no_slices))
    site.peer = Listener(site, caps=bgp.cap_mp("ipv4") + bgp.cap_as4(TOR_AS) + bgp.cap_gr(120, ["ipv4"]))
    wait_until(lambda: site.peer.end_of_rib, 14, "End-of-RIB")
    assert 9.5 < site.peer.end_of_rib - began
    assert any(e["event"] == "services-unknown" for e in site.weft.events())
    assert "not all Services" in site.weft.weft("services", check=False).stderr


def test_old_server(lab, api_server):
    """A server with v1beta1 only: endpoints with their node in the topology."""
    old = SLICES.replace("/v1/", "/v1beta1/")
    ep = {**endpoint(HERE), "topology": {"kubernetes.io/hostname": HERE}, "conditions": {"ready": True}}
    del ep["nodeName"]

    def downgrade(api):
        api.store.serve(old, "EndpointSlice", True)
        api.store.retire(SLICES)
        api.store.put(old, slice_of("web", ep))
        api.store.put(SERVICES, service("web", ["192.0.2.1"], local=True))
    site = Site(lab, api_server, version="1.20", before=downgrade)
    site.peer.has("192.0.2.1/32")


def test_latency(lab, api_server, figure):
    """From the last octet of an endpoint's event written to the UPDATE read: under 20 ms for 99 of 100."""
    site = Site(lab, api_server, ops={"log": {"level": "info"}}).known()
    n, rounds = 25, 10
    for i in range(n):
        site.put(service(f"s{i}", [f"192.0.2.{i}"], local=True), slice_of(f"s{i}", endpoint(HERE, ready=False)))
    wait_until(lambda: len(site.weft.json("services")["services"]) == n, 5, "all are known")
    took = []
    for r in range(rounds):
        for i in range(n):
            # Every one of 250: announced, then withdrawn.
            obj = site.api.store.put(SLICES, slice_of(f"s{i}", endpoint(HERE, ready=r % 2 == 0)))
            rv, prefix = int(obj["metadata"]["resourceVersion"]), f"192.0.2.{i}/32"
            heard = len(site.peer.heard)
            wait_until(lambda: len(site.peer.heard) > heard - 1 and site.peer.heard
                       and site.peer.heard[-1][2] == prefix and site.peer.heard[-1][1] == (r % 2 == 0),
                       5, f"round {r}: {prefix}", every_s=0.002)
            wait_until(lambda: rv in site.api.written, 2, "the time of the event")
            took.append(site.peer.heard[-1][0] - site.api.written[rv])
    took.sort()
    p99 = took[int(len(took) * 0.99) - 1]
    figure(f"{len(took)} events: median {statistics.median(took) * 1000:.1f} ms, 99th percentile "
           f"{p99 * 1000:.1f} ms, longest {took[-1] * 1000:.1f} ms")
    assert len(took) >= 200 and p99 < 0.020


@pytest.mark.patient
def test_real_server(lab, kube, figure):
    """A real API server, with no more rights than it takes: announced, withdrawn, and how long that takes."""
    kube.create(kube.node(HERE, ["10.9.1.1"]))
    kube.service_account("weft", [
        {"apiGroups": [""], "resources": ["nodes", "services"], "verbs": ["list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]}])

    def kubeconfig(ns):
        kube.attach(lab, ns)
        return kube.token_kubeconfig("weft", kube.token("weft"))
    site = Site(lab, kubeconfig=kubeconfig).known()
    kube.create(kube.service("web", type="LoadBalancer", status_ips=["203.0.113.1"], externalTrafficPolicy="Local"),
                kube.slice("web", [("10.244.1.5", HERE, {})]))
    site.peer.has("203.0.113.1/32")
    path, took = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/web-1", []
    for i in range(20):
        there = HERE if i % 2 else THERE
        began = time.monotonic()
        kube.patch(path, {"endpoints": [{"addresses": ["10.244.1.5"], "nodeName": there, "conditions": {"ready": True}}]})
        site.peer.has(*(["203.0.113.1/32"] if i % 2 else []))
        took.append(site.peer.heard[-1][0] - began)
    figure(f"PATCH of a slice to UPDATE: median {statistics.median(took) * 1000:.1f} ms, the real server's time in it")
    heard = len(site.peer.heard)
    kube.patch(path, {"endpoints": [{"addresses": ["10.244.1.5"], "nodeName": HERE, "conditions": {
        "ready": False, "serving": True, "terminating": True}}, {
            "addresses": ["10.244.1.6"], "nodeName": THERE, "conditions": {"ready": True}}]})
    site.peer.has()
    assert [(on, p) for _, on, p, _ in site.peer.heard[heard:]] == [(False, "203.0.113.1/32")]
