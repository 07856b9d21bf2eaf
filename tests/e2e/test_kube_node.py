"""What a node tells the cluster of itself, and what the cluster makes it do: a real API server.

The router is scripted: it sends End-of-RIB when the test says so.
"""

import json
import os

import pytest

from fabric import bgp
from fabric.kube import ApiError
from fabric.wait import No, holds_for, wait_until
from fabric.weft import Weft, config, peer

TAINT = {"key": "weft.dev/not-ready", "effect": "NoSchedule"}
OTHER = {"key": "example.org/other", "value": "x", "effect": "PreferNoSchedule"}
DRAIN = {"key": "weft.dev/drain", "effect": "NoSchedule"}
PATH = "/api/v1/nodes/n"
FILE = "10-weft.conflist"

# What weft may do to Nodes: agent/kube/nodes.h and status.h.
RULES = [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch", "patch"]},
         {"apiGroups": [""], "resources": ["nodes/status"], "verbs": ["patch"]},
         # What it follows beside them: it waits for that before it says that it has told all.
         {"apiGroups": ["", "discovery.k8s.io", "weft.dev"], "resources": ["*"], "verbs": ["get", "list", "watch"]}]


class Rig:
    """A node with its weft and its scripted router; the Node is made by the test."""

    def __init__(self, lab, kube, **more):
        self.kube, self.node, self.router = kube, lab.ns("n"), lab.ns("r")
        lab.link(self.node, "eth0", self.router, "eth0", ["10.0.0.1/24"], ["10.0.0.254/24"])
        kube.attach(lab, self.node)
        kube.service_account("node-part", RULES)
        self.net_d = f"{self.node.dir}/net.d"
        os.makedirs(self.net_d)
        tor = peer("tor", "10.0.0.254", 65000, passive=True, families=["ipv4"])
        c = config("n", 64512, ["10.0.0.1"], [tor], permit=["10.244.0.0/16"], **more)
        del c["node"]["podCIDRs"]
        c["kubernetes"] = {"enabled": "true", "kubeconfig": kube.token_kubeconfig("node-part", kube.token("node-part"))}
        c["bgp"]["nodeToNodeMeshEnabled"] = "false"
        self.weft = Weft(self.node, c)
        self.weft.options = ["--cni-dir", self.net_d, "--secret-dir", kube.dir]

    def make_node(self, **spec):
        self.kube.create(self.kube.node("n", ["10.0.0.1"], ["10.244.1.0/24"], **spec))

    def session(self):
        def up():
            conn = bgp.connect(self.router, "10.0.0.254", "10.0.0.1")
            return conn.establish(65000, "10.0.0.254", caps=bgp.cap_mp("ipv4") + bgp.cap_as4(65000)
                                  + bgp.cap_gr(120, ["ipv4"]))
        self.conn = wait_until(up, 8, "session")
        return self.conn

    def end_of_rib(self):
        assert self.conn.send(bgp.UPDATE, bgp.end_of_rib("ipv4"))

    def condition(self):
        found = [c for c in self.kube.get(PATH)["status"].get("conditions", [])
                 if c["type"] == "NetworkUnavailable"]
        return found[0] if found else {}

    def says(self):
        c = self.condition()
        return (c.get("status"), c.get("reason"))

    def taints(self):
        return {t["key"] for t in self.kube.get(PATH)["spec"].get("taints", [])}

    def ready(self):
        return self.says() == ("False", "WeftReady") and TAINT["key"] not in self.taints() and \
            os.path.exists(f"{self.net_d}/{FILE}")

    def drain(self):
        return self.weft.status()["drain"]


def test_ready_after_end_of_rib_only(lab, kube):
    rig = Rig(lab, kube)
    rig.make_node(taints=[TAINT, OTHER])
    weft = rig.weft.start()
    rig.session()
    wait_until(lambda: rig.says() == ("True", "WeftConverging") or No(rig.condition()), 5, "a new Node is told")
    holds_for(lambda: not os.listdir(rig.net_d) and TAINT["key"] in rig.taints(), 1, "nothing before End-of-RIB")
    rig.end_of_rib()
    wait_until(rig.ready, 5, "condition, taint and CNI file")
    node = kube.get(PATH)
    assert OTHER in node["spec"]["taints"], "taints of others stay as they are"
    since = rig.condition()["lastTransitionTime"]

    rig.conn.close()                            # one dead peer
    wait_until(lambda: not weft.established("10.0.0.254"), 15, "session is down")
    assert rig.ready()
    weft.kill("weft-agent")                     # nor does a restart set it back
    wait_until(lambda: "kube-connected" in weft.text().split("agent-restarted")[-1] and weft.answers(), 10, "again")
    holds_for(lambda: rig.ready() and rig.condition()["lastTransitionTime"] == since, 1, "still ready")

    kube.delete(PATH)                           # made anew: told anew
    wait_until(lambda: weft.status()["drain"] or No(weft.status()), 5, "deletion drains")
    rig.make_node(taints=[TAINT])
    wait_until(lambda: weft.status()["drain"] is None, 5, "and is undone")


@pytest.mark.patient
def test_ready_after_the_time_out(lab, kube):
    rig = Rig(lab, kube, ops={"ready": {"convergedTimeout": "3s"}})
    rig.make_node(taints=[TAINT])
    rig.weft.start()
    rig.session()                               # End-of-RIB never comes
    wait_until(rig.ready, 8, "condition, taint and CNI file")
    assert rig.weft.status()["convergence"]["timed_out"]


def test_concurrent_taints_are_not_lost(lab, kube):
    """Somebody adds taints in the moments in which ours is taken away."""
    rig = Rig(lab, kube)
    rig.make_node(taints=[TAINT])
    rig.weft.start()
    rig.session()
    rig.end_of_rib()

    def add(*taints):
        """As a careful controller does it: over the version that was read."""
        while True:
            node = kube.get(PATH)
            node["spec"].setdefault("taints", []).extend(taints)
            try:
                return kube.put(PATH, node)
            except ApiError as e:
                assert e.status == 409

    keys = [f"example.org/t{i}" for i in range(24)]
    others = iter([{"key": k, "effect": "PreferNoSchedule"} for k in keys])
    wait_until(rig.ready, 10, "ours is gone")
    for _ in range(3):
        add(TAINT, next(others))
        for _ in range(7):
            add(next(others))
        wait_until(rig.ready, 10, "ours is gone again")
    assert set(keys) <= rig.taints()


CAUSES = {
    "taint": ({"spec": {"taints": [DRAIN]}}, {"spec": {"taints": None}}, "the node has the taint weft.dev/drain"),
    "cordon": ({"spec": {"unschedulable": True}}, {"spec": {"unschedulable": None}}, "the node is cordoned"),
}


def test_the_cluster_drains_and_undrains(lab, kube):
    rig = Rig(lab, kube, drain={"onCordon": "true", "settle": "0s"})
    rig.make_node()
    weft = rig.weft.start()
    rig.session()
    rig.end_of_rib()
    wait_until(rig.ready, 8, "ready")
    for on, off, why in CAUSES.values():
        kube.patch(PATH, on)
        d = wait_until(rig.drain, 5, "drained")
        assert (d["reason"], d["by"]) == (why, "cluster"), d
        kube.patch(PATH, off)
        wait_until(lambda: rig.drain() is None, 5, "put back")
    for status, message, due in (("False", "node is shutting down", True), ("True", "kubelet is ready", False)):
        said = {"type": "Ready", "status": status, "reason": "KubeletNotReady", "message": message}
        others = [c for c in kube.get(PATH)["status"]["conditions"] if c["type"] != "Ready"]
        kube.patch(f"{PATH}/status", {"status": {"conditions": [*others, said]}})
        wait_until(lambda: bool(rig.drain()) == due, 5, "a shutdown drains, and is over")
    weft.weft("drain", "--reason", "mine", "--no-wait")
    kube.patch(PATH, CAUSES["cordon"][0])
    kube.patch(PATH, CAUSES["cordon"][1])
    holds_for(lambda: (rig.drain() or {}).get("reason") == "mine", 1, "an operator's drain stays")
    weft.weft("undrain")
    kube.patch(PATH, CAUSES["taint"][0])
    wait_until(rig.drain, 5, "drained")
    weft.weft("undrain")
    holds_for(lambda: rig.drain() is None, 1, "an operator's word stays, too")
    assert json.loads(weft.weft("pre-stop", "-o", "json"))["pre-stop"][0]["step"] == "drain"


def test_pre_stop(lab, kube):
    rig = Rig(lab, kube, drain={"settle": "0s"})
    rig.make_node()
    weft = rig.weft.start()
    wait_until(lambda: weft.status()["convergence"]["took_ms"] is not None, 5, "its Node is known")
    assert json.loads(weft.weft("pre-stop", "-o", "json"))["pre-stop"][0]["step"] == "restart"
    assert weft.status()["restart"]["prepared_s"] and rig.drain() is None
    kube.patch(PATH, {"spec": {"unschedulable": True}})
    rows = wait_until(lambda: (r := json.loads(weft.weft("pre-stop", "-o", "json"))["pre-stop"])[0]["step"] == "drain"
                      and r, 5, "a cordoned node is drained")
    assert (rows[0]["text"], rows[-1]["step"]) == ("the node is cordoned", "done"), rows
