"""A real cluster of three nodes: kubelet, containerd, kube-proxy, CNI plugins, and weft as a DaemonSet.

What reaches what, and as whom: pods each other over the fabric, Services by address and by name,
an outside host a LoadBalancer address behind two ToRs, NodePorts; and a rolling update of weft.
"""

import itertools

import pytest
import quickstart_kube
from fabric import traffic
from fabric.cluster import OUTSIDE, VIPS, is_ready
from fabric.wait import No, wait_until

pytestmark = pytest.mark.patient
FAMILIES = pytest.mark.parametrize("family", [0, 1], ids=["ipv4", "ipv6"])


@pytest.fixture(scope="module")
def web(cluster):
    """{node's name: (pod's namespace, its addresses IPv4 and IPv6)}, with everything running."""
    pods = cluster.wait_pods("web")
    cluster.wait_pods("dns", "kube-system", 1)
    found = {}
    for node in cluster.nodes:
        pod = pods[node.name]
        ns = node.machine.pod_ns(pod["metadata"]["name"], alias=f"web{node.n}")
        addrs = [ip["ip"] for ip in pod["status"]["podIPs"]]
        found[node.name] = ns, sorted(addrs, key=lambda a: ":" in a), pod["metadata"]["name"]
    return found


def service(cluster):
    return cluster.kube.get("/api/v1/namespaces/default/services/web")["spec"]


def test_nodes_join_and_mesh(cluster):
    """Each Node is ready and has ranges of both families; each weft peers with the others and both ToRs."""
    for n in cluster.nodes:
        node = wait_until(lambda: ready_node(cluster, n.name), 30, f"{n.name} is ready")
        assert len(node["spec"]["podCIDRs"]) == 2
        assert n.established() == {"tor1", "tor2", *(m.name for m in cluster.nodes if m is not n)}


def ready_node(cluster, name):
    node = cluster.kube.get(f"/api/v1/nodes/{name}")
    return is_ready(node) and node or No(node["status"]["conditions"])


@FAMILIES
def test_pods_reach_each_other_as_themselves(cluster, web, family):
    """On the wire of the receiving node every packet has the pods' own addresses, without a tunnel."""
    captures = {n.name: [traffic.Capture(n.ns, dev) for dev in n.uplinks] for n in cluster.nodes}
    pairs = list(itertools.permutations(cluster.nodes, 2))
    for a, b in pairs:
        (ns, own, _), (_, other, _) = web[a.name], web[b.name]
        answer = cluster.ask(ns, url(other[family]))
        assert answer["node"] == b.name and answer["client"] == own[family]
        assert traffic.ping(ns, other[family], source=own[family])
    seen = {name: [p for c in both for p in c.stop()] for name, both in captures.items()}
    for a, b in pairs:
        own, other = web[a.name][1][family], web[b.name][1][family]
        arrived = [p for p in seen[b.name] if p.dst == other and p.src == own]
        assert {p.proto for p in arrived} >= {"tcp", "icmp6" if family else "icmp"}, (a.name, b.name)
        assert {p.ether for p in arrived} == {"IPv6" if family else "IPv4"}
    assert not [p for both in seen.values() for p in both if p.proto in ("4", "41", "47")]


@FAMILIES
def test_pod_reaches_service_by_its_address(cluster, web, family):
    """Through kube-proxy: every pod behind the Service answers, and sees the client pod's address."""
    ns, own, _ = web["node1"]
    nodes = set()

    def all_answer():
        for answer in cluster.ask_often(ns, url(service(cluster)["clusterIPs"][family]), 8):
            assert answer["client"] == own[family] or answer["node"] == "node1"
            nodes.add(answer["node"])
        return nodes == {n.name for n in cluster.nodes} or No(nodes)
    wait_until(all_answer, 30, "all pods behind the Service answer")


def test_pod_reaches_service_by_name(cluster, web):
    """kubelet tells pods of the DNS server, which is a pod itself, by its Service's address."""
    for _, _, pod in web.values():
        assert cluster.ask_inside(pod, "http://web.default.svc.cluster.local/")["node"] in web


@FAMILIES
def test_outside_host_reaches_load_balancer_address_by_all_paths(cluster, web, family, figure):
    """Both ToRs have a route over all three nodes; flows use them, and pods see the client's address."""
    vip = VIPS[family]
    cluster.wait_announced([vip])
    captures = {(n.name, i): traffic.Capture(n.ns, dev, f"dst host {vip}")
                for n in cluster.nodes for i, dev in enumerate(n.uplinks)}
    answers = cluster.ask_often(cluster.outside.ns, url(vip), 24)
    assert {a["client"] for a in answers} == {OUTSIDE[family]}
    assert {a["node"] for a in answers} == {n.name for n in cluster.nodes}
    used = {key for key, c in captures.items() if c.stop()}
    assert {i for _, i in used} == {0, 1}, f"only one ToR was used: {used}"
    figure(f"24 connections came in by {len(used)} of 6 links")


@FAMILIES
def test_node_port(cluster, web, family):
    port = service(cluster)["ports"][0]["nodePort"]
    for n in cluster.nodes:
        answer = cluster.ask(cluster.outside.ns, url(n.addrs[family], port))
        assert answer["node"] == n.name and answer["client"] == OUTSIDE[family]


def test_table_of_the_quickstart(cluster, web):
    """Every line of what `./quickstart kubernetes` shows, on this cluster."""
    rows = quickstart_kube.table(cluster)
    assert [(p.scope, p.family, verdict) for p, _, verdict, good in rows if not good] == []
    assert len({p.scope for p, *_ in rows}) == 9


def url(address, port=80):
    return f"http://[{address}]:{port}/" if ":" in address else f"http://{address}:{port}/"


def test_rolling_update_loses_no_packet(cluster, web, figure):
    """New binaries on three nodes, one after the other, as Kubernetes does it; pods and outside ping on."""
    old = {p["metadata"]["name"] for p in cluster.wait_pods("weft", "kube-system").values()}
    addr = {name: addrs for name, (_, addrs, _) in web.items()}
    pingers = [traffic.Pinger(web["node1"][0], addr["node2"][0]), traffic.Pinger(web["node2"][0], addr["node3"][1]),
               traffic.Pinger(cluster.outside.ns, addr["node3"][0]), traffic.Pinger(web["node3"][0], addr["node1"][0])]
    took = cluster.update_weft(2, old)
    results = [p.result() for p in pingers]
    figure(f"three nodes in {took:.1f} s, {sum(r['sent'] for r in results)} packets, "
           f"lost {[r['lost'] for r in results]}, longest gap {max(r['longest_gap_ms'] for r in results)} ms")
    assert all(r["sent"] > 1000 for r in results)
    assert [r["lost"] for r in results] == [0] * 4
    for pod in cluster.wait_pods("weft", "kube-system").values():
        assert pod["spec"]["containers"][0]["image"].endswith(":2")
