"""The cluster's nodes as peers: a mesh out of Node objects alone, and what changes of them do."""

from fabric.monitor import Monitor
from fabric.nodes import Nodes, learned
from fabric.segment import AS, pods
from fabric.wait import No, holds_for, wait_until

NAMES = ["a", "b", "c", "d"]


def others(name, names=NAMES):
    return [n for n in names if n != name]


def test_mesh_out_of_nodes_alone(lab, api_server):
    """No peer, no range, no address is configured: three nodes, a fourth one, changes, a deletion."""
    nodes = Nodes(lab, api_server)
    nodes.start_all(NAMES[:3])
    for name in NAMES[:3]:
        nodes.wait_peers(name, others(name, NAMES[:3]))
        nodes.wait_routes(name, others(name, NAMES[:3]))
    a, established = nodes.weft["a"], nodes.weft["a"].peer("b")["established_count"]
    assert a.peer("b")["as"] == AS
    rows = {r["name"]: r for r in a.json("nodes")["nodes"]}
    assert rows["a"]["own"] and rows["a"]["why"] == "this node" and rows["a"]["peer"] is None
    assert (rows["b"]["session"], rows["b"]["as"], rows["b"]["role"]) == ("Established", AS, "mesh")
    assert rows["b"]["pod_cidrs"] == pods(11)

    # A fourth one comes: everybody has its route, and no session was touched.
    nodes.put("d", 13)
    nodes.start("d", 13, wait=False)
    for name in NAMES:
        nodes.wait_peers(name, others(name))
        nodes.wait_routes(name, others(name))

    # It gets other pod ranges: the new ones are there before the old ones go.
    monitor, new = Monitor(a.ns), pods(77)
    nodes.put("d", 13, cidrs=new)
    wait_until(lambda: set(new) <= learned(a) and not set(pods(13)) & learned(a), 5, "the new ranges")
    lines = monitor.seen()
    for old, other in zip(pods(13), new):
        gone = next(i for i, line in enumerate(lines) if line.startswith("Deleted") and old in line)
        assert any(other in line and "Deleted" not in line for line in lines[:gone]), lines
    nodes.put("d", 13)
    for name in NAMES:
        nodes.wait_routes(name, others(name))

    # Its status is reported again and again: nothing.
    gen = a.status()["config"]["generation"]
    for _ in range(20):
        nodes.api.store.put("/api/v1/nodes", {**nodes.api.store.get("/api/v1/nodes", "d")})
    nodes.put("d", 13, labels={"changed": "yes"})
    wait_until(lambda: a.status()["config"]["generation"] == gen + 1 or No(a.status()["config"]), 5,
               "one change")

    # An AS number of its own: eBGP to it, and the same routes.
    nodes.put("d", 13, annotations={"weft.dev/as-number": "64600"})
    wait_until(lambda: a.peer("d")["as"] == 64600 and a.established("d"), 15, "d is in another AS")
    for name in NAMES:
        nodes.wait_routes(name, others(name))

    # Its Node is deleted: sessions go at once, and only those.
    nodes.delete("d")
    for name in NAMES[:3]:
        nodes.wait_peers(name, others(name, NAMES[:3]), deadline_s=5)
        nodes.wait_routes(name, others(name, NAMES[:3]))
    assert a.peer("b")["established_count"] == established


def test_server_errors_delete_nobody(lab, api_server):
    """Cut watches, 410, 403, a server that is gone: sessions and routes stay."""
    nodes = Nodes(lab, api_server)
    nodes.start_all(NAMES[:2])
    for name in NAMES[:2]:
        nodes.wait_routes(name, others(name, NAMES[:2]))
    a = nodes.weft["a"]
    since = a.peer("b")["established_count"]
    nodes.api.cut_watches("rst", half=True)
    nodes.api.store.compact()
    nodes.api.fault("GET /api/v1/nodes", times=2, octets=None, cut_after=500, end="rst")
    nodes.api.stop()
    holds_for(lambda: learned(a) == set(pods(11)), 2, "its routes stay")
    nodes.api.start()
    nodes.put("b", 11, labels={"again": "1"})
    wait_until(lambda: a.peer("b")["established_count"] == since, 1, "the session was never touched")


RACK = ["a", "b", "c", "d", "e"]
REFLECTORS = ["a", "b"]
BY_LABEL = {"routeReflector": {"selector": "has(rr)", "clusterID": "10.255.0.1"}}


def lost(monitors):
    """Lines that say a learned route is gone."""
    return [line for m in monitors.values() for line in m.seen()
            if line.startswith("Deleted") and "10.244" in line and "nexthop" not in line.split()[1]]


def test_from_mesh_to_reflectors_and_back(lab, api_server, figure):
    """Old sessions stay until the routes have come over the new ones: not one route is lost."""
    nodes = Nodes(lab, api_server)
    nodes.start_all(RACK)
    for i, name in enumerate(REFLECTORS):
        nodes.put(name, 10 + i, labels={"rr": ""})
    for name in RACK:
        nodes.wait_peers(name, others(name, RACK))
        nodes.wait_routes(name, others(name, RACK))
    since = {n: w.peer("a")["established_count"] for n, w in nodes.weft.items() if n != "a"}
    monitors = {n: Monitor(w.ns) for n, w in nodes.weft.items()}

    # The clients hear of it first: nobody reflects yet, so that the sessions between them have to stay.
    nodes.reconfigure([n for n in RACK if n not in REFLECTORS], **BY_LABEL)
    holds_for(lambda: nodes.weft["c"].peers().get("d", {}).get("state") == "Established" and not lost(monitors), 2.5,
              "no client gives up another before there is a reflector")
    nodes.reconfigure(REFLECTORS, **BY_LABEL)
    for name in RACK:
        nodes.wait_peers(name, others(name, RACK) if name in REFLECTORS else REFLECTORS)
        nodes.wait_routes(name, others(name, RACK))
    assert lost(monitors) == []
    c = nodes.weft["c"]
    rows = {r["name"]: r for r in c.json("nodes")["nodes"]}
    assert {n: r["role"] for n, r in rows.items()} == {n: "reflector" if n in REFLECTORS else "client" for n in RACK}
    assert rows["d"]["why"] == "neither is a route reflector"
    moved = next(e["text"] for e in c.events() if e["event"] == "sessions-moved")
    figure(f"from mesh to reflectors: {moved}")
    assert "without-another-path=0" in moved

    nodes.reconfigure()
    for name in RACK:
        nodes.wait_peers(name, others(name, RACK))
    for name in RACK:
        wait_until(lambda: {"c", "d", "e"} - {name} <= set(nodes.weft[name].peers()), 5, "the mesh again")
        nodes.wait_routes(name, others(name, RACK))
    assert lost(monitors) == []
    assert since == {n: w.peer("a")["established_count"] for n, w in nodes.weft.items() if n != "a"}
