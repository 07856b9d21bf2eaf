"""The CNI file and what it waits for: a node has its routes when its peers have told theirs.

A scripted peer sends End-of-RIB when the test says so; the plugins are those of the
system, called as containerd calls them.
"""

import contextlib
import json
import os
import subprocess
import urllib.error
import urllib.request

import pytest

from fabric import bgp
from fabric.traffic import ping
from fabric.wait import No, holds_for, wait_until
from fabric.weft import Weft, config, peer

PLUGINS = "/usr/lib/cni"
PERMIT = ["10.244.0.0/16", "fd00:10:244::/48"]
FILE = "10-weft.conflist"


class Runtime:
    """A container runtime's view of one node: it reads the directory and calls plugins."""

    def __init__(self, node):
        self.node = node
        self.dir = f"{node.dir}/net.d"
        os.makedirs(self.dir)

    def file(self):
        """The list that a runtime takes: the first by name; None: there is none."""
        names = sorted(n for n in os.listdir(self.dir) if n.endswith((".conf", ".conflist", ".json")))
        if not names:
            return None
        with open(f"{self.dir}/{names[0]}") as f:
            return json.load(f)

    def call(self, command, plugin, pod, netns, previous=None, ports=()):
        conf = {**plugin, "cniVersion": self.file()["cniVersion"], "name": self.file()["name"]}
        if conf.pop("capabilities", {}).get("portMappings"):
            conf["runtimeConfig"] = {"portMappings": list(ports)}
        if previous:
            conf["prevResult"] = previous
        env = {"CNI_COMMAND": command, "CNI_CONTAINERID": pod, "CNI_NETNS": netns,
               "CNI_IFNAME": "eth0", "CNI_PATH": PLUGINS, "PATH": os.environ["PATH"]}
        out = self.node.run(f"{PLUGINS}/{plugin['type']}", stdin=json.dumps(conf), env=env)
        return json.loads(out) if out.strip() else previous

    def add(self, pod, ports=()):
        """ADD through the chain; the addresses by family."""
        result = None
        for plugin in self.file()["plugins"]:
            result = self.call("ADD", plugin, pod.full, pod.path, result, ports)
        return {4 if "." in ip["address"] else 6: ip["address"].split("/")[0] for ip in result["ips"]}

    def delete(self, pod, netns):
        for plugin in reversed(self.file()["plugins"]):
            self.call("DEL", plugin, pod.full, netns)


def ready(node, port=9179):
    """Status and text of /readyz."""
    with node.entered():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()


def start(node, number, peers, ip6=(), **more):
    """A weft that writes the CNI file to a directory of its own."""
    cni = {"enabled": "true", "dataDir": f"{node.dir}/ipam", **more.pop("cni", {})}
    weft = Weft(node, config(node.name, 64512, [f"10.0.0.{number}", *ip6], peers, permit=PERMIT, cni=cni,
                             pod_cidrs=[f"10.244.{number}.0/24", f"fd00:10:244:{number}::/64"],
                             **more))
    weft.options = ["--cni-dir", f"{node.dir}/net.d"]
    return weft.start()


def scripted(lab, number):
    """A node and its router, which is under the test's control."""
    node, router = lab.ns("n"), lab.ns("r")
    lab.link(node, "eth0", router, "eth0", ["10.0.0.1/24"], ["10.0.0.254/24"])
    return node, router


def established(router, local="10.0.0.254", caps=b""):
    conn = bgp.connect(router, local, "10.0.0.1")
    caps = caps or bgp.cap_gr(120, ["ipv4"])
    return conn.establish(65000, "10.0.0.254", caps=bgp.cap_mp("ipv4") + bgp.cap_as4(65000) + caps)


TOR = peer("tor", "10.0.0.254", 65000, passive=True, families=["ipv4"])


def test_waits_for_end_of_rib(lab):
    node, router = scripted(lab, 1)
    runtime = Runtime(node)
    weft = start(node, 1, [TOR])
    conn = wait_until(lambda: established(router), 5, "session")
    assert conn.send(bgp.UPDATE, bgp.update_body(["10.244.9.0/24"], next_hop="10.0.0.254", as_path=[65000]))
    wait_until(lambda: weft.received("10.0.0.254") or No(weft.peers()), 5, "route is learned")
    holds_for(lambda: runtime.file() is None and not weft.status()["convergence"]["converged"], 1.5,
              "nothing is written before End-of-RIB")
    assert weft.json("cni")["cni"]["reason"] == "tor has not told all its routes"
    status, text = ready(node)
    assert (status, "tor has not told all its routes" in text) == (503, True), text
    assert conn.send(bgp.UPDATE, bgp.end_of_rib("ipv4"))
    wait_until(runtime.file, 3, "file is written")
    assert [r["dst"] for r in weft.kernel_routes() if r["dst"] == "10.244.9.0/24"], "the route was there before"
    assert weft.status()["convergence"]["timed_out"] is False
    assert ready(node)[0] == 200
    conn.close()                                # a dead peer does not set it back
    wait_until(lambda: not weft.established("10.0.0.254"), 15, "session is down")
    assert weft.status()["convergence"]["converged"] and runtime.file()
    assert weft.json("cni")["cni"]["writes"] == 1


@pytest.mark.patient
def test_time_out_ends_the_wait(lab):
    node, router = scripted(lab, 1)
    runtime = Runtime(node)
    weft = start(node, 1, [TOR], ops={"ready": {"convergedTimeout": "4s"}})
    wait_until(lambda: established(router), 3, "session, that never tells End-of-RIB")
    wait_until(runtime.file, 6, "file is written")
    seen = weft.status()["convergence"]
    assert seen["timed_out"] and 4000 <= seen["took_ms"] < 6000, seen


@pytest.mark.slice
def test_file_follows_the_configuration(lab):
    node = lab.ns("n")
    router = lab.ns("r")
    lab.link(node, "eth0", router, "eth0", ["10.0.0.1/24"])
    node.ip("link", "set", "eth0", "mtu", "1400")
    runtime = Runtime(node)
    for name in "05-calico.conflist", "07-weft.conflist", "README":
        with open(f"{runtime.dir}/{name}", "w") as f:
            f.write("{}")
    weft = start(node, 1, [])
    view = wait_until(lambda: (v := weft.json("cni")["cni"])["state"] == "written" and v, 5, "written")
    assert view["foreign"] == "05-calico.conflist"
    assert "cni-foreign" in weft.text()
    assert sorted(os.listdir(runtime.dir)) == ["05-calico.conflist", FILE, "README"], "ours of old is gone"
    os.unlink(f"{runtime.dir}/05-calico.conflist")
    assert runtime.file() == {
        "cniVersion": "1.0.0", "name": "weft", "plugins": [
            {"type": "ptp", "mtu": 1400, "ipMasq": False,
             "ipam": {"type": "host-local", "dataDir": f"{node.dir}/ipam",
                      "ranges": [[{"subnet": "10.244.1.0/24"}], [{"subnet": "fd00:10:244:1::/64"}]],
                      "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]}},
            {"type": "portmap", "capabilities": {"portMappings": True}}]}
    assert os.stat(f"{runtime.dir}/{FILE}").st_mode & 0o7777 == 0o644
    node.ip("link", "set", "eth0", "mtu", "1500")
    wait_until(lambda: runtime.file()["plugins"][0]["mtu"] == 1500, 3, "the MTU is followed")
    before = os.stat(f"{runtime.dir}/{FILE}").st_ino
    weft.weft("reload")
    holds_for(lambda: os.stat(f"{runtime.dir}/{FILE}").st_ino == before, 0.3, "the same is not written again")
    weft.config["node"]["podCIDRs"] = ["10.244.7.0/24"]
    weft.write_config()
    weft.weft("reload")
    wait_until(lambda: runtime.file()["plugins"][0]["ipam"]["ranges"] == [[{"subnet": "10.244.7.0/24"}]], 3,
               "the pod CIDR is followed")
    weft.stop()
    assert runtime.file(), "a stop leaves it"
    weft.config["cni"] = {"enabled": "false", "removeOnDisable": "true"}
    weft.start()
    wait_until(lambda: runtime.file() is None, 5, "removed when that is wanted")


def test_a_directory_that_is_not_there(lab):
    node = lab.ns("n")
    weft = start(node, 1, [])
    view = wait_until(lambda: (v := weft.json("cni")["cni"])["state"] == "failed" and v, 5, "failed")
    assert "No such file or directory" in view["reason"]
    assert any("CNI file" in w for w in weft.status()["warnings"])


def trio(lab):
    """Two nodes on one network, mesh between them, a pod namespace on each."""
    a, b = lab.ns("a"), lab.ns("b")
    lab.link(a, "eth0", b, "eth0", ["10.0.0.1/24", "fd00::1/64"], ["10.0.0.2/24", "fd00::2/64"])
    return a, b


@pytest.mark.parametrize("plugin", ["ptp", "bridge"])
def test_pods_of_real_plugins(lab, plugin):
    a, b = trio(lab)
    runtimes = [Runtime(a), Runtime(b)]
    for number, node in enumerate((a, b), 1):
        start(node, number, [peer("other", f"10.0.0.{3 - number}", 64512)], ip6=[f"fd00::{number}"],
              cni={"plugin": plugin})
    pods = [lab.ns("pa", router=False), lab.ns("pb", router=False)]
    for r in runtimes:
        wait_until(r.file, 5, "file is written")
    got = [r.add(p, [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}])
           for r, p in zip(runtimes, pods)]
    assert got[0][4].startswith("10.244.1.") and got[1][6].startswith("fd00:10:244:2::"), got
    for family in 4, 6:
        wait_until(lambda: ping(pods[0], got[1][family]), 5, f"pods reach each other, IPv{family}")
    for r, p in zip(runtimes, pods):
        r.delete(p, p.path)
        r.delete(p, "")                         # containerd calls it twice
    left = [n for n in os.listdir(f"{a.dir}/ipam/weft") if ":" in n or n[0].isdigit()]
    assert not left, f"addresses are given back: {left}"
