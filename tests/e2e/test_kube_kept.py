"""The agent starts while the API server is away: what it knew of the cluster is what counts.

Three nodes in a full mesh; one of them loses its agent, then its weftd, during an outage. Its
sessions come back and not one route of a pod range goes, on any node.
"""

import os

import pytest

from fabric import apistore, replay
from fabric.segment import addresses, pods
from fabric.wait import No, wait_until
from test_kube_chaos import NAMES, Fabric

pytestmark = pytest.mark.patient
KEPT_S = 12         # to start, to wait for the server, and to use the file
FILTERS = "/apis/weft.dev/v1alpha1/bgpfilters"


class Outage:
    """The mesh of Fabric on a server that can be gone."""

    def __init__(self, lab, api_server):
        ns = lab.ns("api")
        ns.addr("lo", "172.31.255.1/32")
        self.api = api_server(ns, "172.31.255.1")
        for i, name in enumerate(NAMES, 1):
            self.put(name, addresses(i), pods(i))
        self.put("leaver", ["10.8.0.77"])
        self.api.store.put(FILTERS, {"metadata": {"name": "kept"}, "spec": {"exportV4": [{"action": "Accept"}]}})
        links = iter(range(1, 9))

        def kubeconfig(node):
            k = next(links)
            lab.link(node, "kube", ns, f"to{k}", [f"172.31.{k}.2/30"], [f"172.31.{k}.1/30"])
            node.ip("route", "add", "172.31.255.1", "via", f"172.31.{k}.1")
            return self.api.kubeconfig(f"{node.dir}/kubeconfig")

        self.fabric = Fabric(lab, kubeconfig).wait_up()
        self.first = self.fabric.wefts[0]
        self.file = f"{self.first.run_dir}/kept-cluster"

    def put(self, name, ips, cidrs=()):
        self.api.store.put(replay.NODES, apistore.node(name, ips, cidrs))

    def kept(self):
        return self.first.status()["kubernetes"]["kept"]

    def events(self, name):
        return [e for e in self.first.events() if e["event"] == name]

    def wait_kept(self):
        wait_until(lambda: self.first.weft("status", check=False).returncode in (0, 1) and self.kept(), KEPT_S,
                   "the file is used")

    def names(self):
        return {p["name"] for p in self.first.json("peers")["peers"]}

    def wait_mesh(self, what):
        def up():
            states = {p["name"]: p["state"] for p in self.first.json("peers")["peers"]}
            return all(states.get(n) == "Established" for n in ("n2", "n3")) or No(states)

        wait_until(up, 20, f"{what}: the sessions of the mesh are back")
        wait_until(lambda: not self.first.status()["restart"]["deferring"], 20, f"{what}: the restart is over")
        self.first.wait_synced(15)

    def assert_nothing_lost(self, what):
        for m in self.fabric.monitors:
            lost = [l for l in m.text().splitlines()
                    if l.startswith("Deleted") and ("10.244." in l or "fd00:10:244" in l)]
            assert m.alive() and not lost, f"{what}: {lost}"


def test_start_without_server(lab, api_server, figure):
    o = Outage(lab, api_server)
    wait_until(lambda: os.path.exists(o.file), 5, "the cluster is kept")
    assert os.stat(o.file).st_mode & 0o777 == 0o600
    wait_until(lambda: b"leaver" in open(o.file, "rb").read(), 5, "all of it")
    o.fabric.monitor()
    o.api.stop()

    o.first.kill("weft-agent")
    o.wait_kept()
    o.wait_mesh("agent killed")
    assert o.kept()["nodes"] == 4 and o.kept()["objects"] == 1
    assert "as it was known" in o.first.weft("status", check=False).stdout
    assert "as known" in o.first.weft("nodes", check=False).stdout
    assert "4 nodes, 1 objects" in o.first.weft("kube", check=False).stdout
    o.assert_nothing_lost("agent killed")

    o.first.weft("prepare-restart")
    o.first.stop()
    o.first.start()
    o.wait_kept()
    o.wait_mesh("weftd restarted")
    assert o.events("kept-cluster-used") and not o.events("nodes-late")
    o.assert_nothing_lost("weftd restarted")

    o.api.store.delete(replay.NODES, "", "leaver")
    o.put("comer", ["10.8.0.78"])
    o.api.start()
    wait_until(lambda: {"comer"} == o.names() - set(NAMES) or No(o.names()), 5,
               "what changed during the outage is known")
    wait_until(lambda: not o.kept(), 5, "nothing is of a former life")
    o.assert_nothing_lost("the server is back")


@pytest.mark.slow
def test_broken_file(lab, api_server):
    """It is told and ignored; the agent waits for the server as if there were none."""
    o = Outage(lab, api_server)
    wait_until(lambda: os.path.exists(o.file), 5, "the cluster is kept")
    o.api.stop()
    os.truncate(o.file, os.path.getsize(o.file) - 1)
    o.first.kill("weft-agent")
    wait_until(lambda: o.first.weft("status", check=False).returncode in (0, 1) and o.events("kept-cluster-ignored"),
               KEPT_S, "the file is ignored")
    assert not o.kept()
    o.api.start()
    o.wait_mesh("the server is back")
