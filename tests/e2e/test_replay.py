"""The API server of these tests does itself what its users count on."""

import json
import time

import pytest

from fabric import apistore, replay
from fabric.replay import NODES, Recording
from fabric.wait import wait_until

pytestmark = pytest.mark.patient


@pytest.fixture
def api(lab, api_server):
    ns = lab.ns("api")
    ns.addr("lo", "10.9.1.1/32")
    return api_server(ns, "10.9.1.1")


def curl(api, path, *more):
    """(exit status, standard output) of curl with the test's token."""
    p = api.ns.run("curl", "-sN", "--http1.1", "--max-time", "5", "--cacert", api.ca.cert, "-H",
                   "Authorization: Bearer token", *more, f"https://{api.address}:{api.port}{path}", check=False)
    return p.returncode, p.stdout


def test_pages_and_watch(api):
    """Three pages of one revision, then the change since as an event, and a bookmark."""
    for i in range(5):
        api.store.put(NODES, apistore.node(f"n{i}", [f"10.8.0.{i}"], [f"10.244.{i}.0/24"]))
    names, token = [], ""
    while True:
        page = json.loads(curl(api, f"{NODES}?limit=2&continue={token}")[1])
        names += [n["metadata"]["name"] for n in page["items"]]
        api.store.put(NODES, apistore.node("n9"))
        token = page["metadata"].get("continue")
        if not token:
            break
    assert names == ["n0", "n1", "n2", "n3", "n4"]
    rv = page["metadata"]["resourceVersion"]
    _, text = curl(api, f"{NODES}?watch=1&allowWatchBookmarks=1&resourceVersion={rv}&timeoutSeconds=1")
    events = [json.loads(line) for line in text.splitlines()]
    assert [e["type"] for e in events] == ["ADDED", "MODIFIED", "MODIFIED", "BOOKMARK"]
    assert set(api.written) >= {int(e["object"]["metadata"]["resourceVersion"]) for e in events[:3]}


def test_recorded_octets_come_as_they_were(api):
    recording = Recording("k8s-136")
    for name in ("110-overload-429", "30-watch-nodes-events", "12-nodelist"):
        api.fault("GET", recording.octets(name), fragment=100)
        got = curl(api, "/api/v1/nodes", "-i", "--raw")[1]      # text: \r\n was read as \n
        assert got.encode() == recording.octets(name).replace(b"\r\n", b"\n"), name


FAULTS = (({"cut_after": 900, "end": "eof"}, 18), ({"cut_after": 900, "end": "rst"}, 56),
          ({"hang": True}, 28), ({"octets": replay.unauthorized()}, 0))


def test_faults(api):
    """Cut, reset, silent: curl's exit statuses say which."""
    api.store.put(NODES, apistore.node("n1", body=Recording("k8s-136").node_body()))
    for how, status in FAULTS:
        api.fault("nodes/n1", **how)
        assert curl(api, f"{NODES}/n1", "-m", "1")[0] == status, how
    assert curl(api, f"{NODES}/n1", "-H", "Authorization: Bearer wrong")[1].count("Unauthorized") == 2


def test_cut_and_stopped(api):
    """A watch cut in mid-word; killed and frozen servers; the port is the same afterwards."""
    rv = api.store.revision
    watcher = api.ns.spawn("curl", "-sN", "--http1.1", "--cacert", api.ca.cert, "-H", "Authorization: Bearer token",
                           f"https://{api.address}:{api.port}{NODES}?watch=1&resourceVersion={rv}")
    wait_until(api.watches, 5, "a watch")
    api.cut_watches("eof", half=True)
    assert watcher.popen.wait(5) == 18 and watcher.text().endswith('"name":"')
    api.freeze()
    assert curl(api, "/version", "-m", "0.3")[0] == 28
    api.thaw()
    api.stop()
    assert curl(api, "/version")[0] == 7
    api.start()
    assert curl(api, "/version")[0] == 0


def test_fast_enough(api, figure):
    """1,000 nodes of 4 KB; 100 events read within half a second."""
    body = Recording("k8s-136").node_body()
    for i in range(1000):
        api.store.put(NODES, apistore.node(f"n{i}", body=body))
    rv, begin = api.store.revision, time.monotonic()
    for i in range(100):
        api.store.put(NODES, apistore.heartbeat(api.store.get(NODES, f"n{i}")))
    _, text = curl(api, f"{NODES}?watch=1&resourceVersion={rv}&timeoutSeconds=1")
    assert text.count("\n") == 100
    figure(f"{len(text) // 100} octets an event, 100 of them written "
           f"{max(api.written.values()) - begin:.3f} s after the first was made")
