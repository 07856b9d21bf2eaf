"""A cluster of 1,000 nodes: what it costs one of them.

One weft node measured, two more beside it, and 997 speakers of one process (meshnodes.c) in a full
mesh; the Node objects are as large as a real kubelet's and report their status every 10 s each.
Some seconds in a normal run; `make soak` (WEFT_SOAK=1) goes on for ten minutes.
"""

import glob
import json
import os
import re
import threading
import time

import pytest

from fabric import apistore
from fabric.monitor import told
from fabric.replay import NODES, Recording, gone_event
from fabric.segment import AS
from fabric.wait import No, holds_for, wait_until
from fabric.weft import BUILD, Weft, config

SOAK = os.environ.get("WEFT_SOAK") == "1"
SECONDS = 600 if SOAK else 10
COUNT = 1000
PHANTOMS = COUNT - 3            # n1 ... n997
PERMIT = ["10.128.0.0/10", "10.192.0.0/16"]

pytestmark = [pytest.mark.soak, pytest.mark.release]


def phantom(i):
    """(name, addresses, pod ranges) of node i of meshnodes.c."""
    return f"n{i}", [f"10.8.{i >> 8}.{i & 255}"], [f"10.{128 + (i >> 8)}.{i & 255}.0/24"]


def real(i):
    return f"r{i}", [f"10.8.128.{i}"], [f"10.192.{i}.0/24"]


class Usage:
    """Memory and processor time of one process, while it is watched."""

    def __init__(self, pid):
        self.pid = pid
        self.begin, self.at = self._spent(), time.monotonic()

    def _spent(self):
        """Seconds of processor time, as the scheduler counts it."""
        spent = 0
        for path in glob.glob(f"/proc/{self.pid}/task/*/schedstat"):
            with open(path) as f:
                spent += int(f.read().split()[0])
        return spent / 1e9

    def _status(self, key):
        with open(f"/proc/{self.pid}/status") as f:
            return int(re.search(rf"{key}:\s+(\d+)", f.read()).group(1)) / 1024

    def rss_mb(self):
        return self._status("VmRSS")

    def peak_mb(self):
        return self._status("VmHWM")

    def cpu(self):
        """Share of one core since the beginning."""
        return (self._spent() - self.begin) / (time.monotonic() - self.at)


class Cluster:
    """The API server, the phantoms and r1, r2; r3 runs, but its Node is missing."""

    def __init__(self, lab, api_server):
        self.cloud = lab.ns("cloud", router=False)
        self.cloud.ip("link", "add", "br0", "type", "bridge")
        self.cloud.addr("br0", "10.8.128.254/24")
        self.cloud.ip("route", "add", "local", "10.8.0.0/17", "dev", "lo")
        self.cloud.sysctl(net__core__somaxconn=4096, net__ipv4__tcp_max_syn_backlog=4096)
        self.api = api_server(self.cloud, "10.8.128.254")
        self.body = Recording("k8s-136").node_body()
        self.nodes = [self.put(*phantom(i)) for i in range(1, PHANTOMS + 1)]
        self.wefts = [self.weft(lab, i) for i in (1, 2, 3)]
        self.put(*real(1))
        self.put(*real(2))
        self.cloud.spawn(f"{BUILD}/tests/e2e/meshnodes", log="meshnodes.out")

    def put(self, name, addresses, cidrs):
        self.api.store.put(NODES, apistore.node(name, addresses, cidrs, body=self.body))
        return name

    def weft(self, lab, i):
        name, addresses, _ = real(i)
        ns = lab.ns(name)
        lab.link(ns, "eth0", self.cloud, f"to{i}", [f"{addresses[0]}/24"])
        self.cloud.ip("link", "set", f"to{i}", "master", "br0")
        # Behind a router, as a thousand neighbours would fill the host's neighbour table.
        ns.ip("route", "add", "10.8.0.0/17", "via", "10.8.128.254")
        conf = config(name, AS, addresses, [], permit=PERMIT,
                      bgp={"nodeToNodeMeshEnabled": True, "mesh": {"timers": {"hold": "90s"}}},
                      cni={"enabled": "false"},
                      kubernetes={"enabled": True, "kubeconfig": self.api.kubeconfig(f"{ns.dir}/kubeconfig")},
                      ops={"log": {"level": "info"}})
        conf["node"]["podCIDRs"] = "auto"
        return Weft(ns, conf)

    def start(self):
        for w in self.wefts:
            w.start(wait=False)
        for w in self.wefts:
            wait_until(w.answers, 20, "weft answers")
        return self

    def wait_whole(self, deadline_s=60):
        """Both have a session with every other node, and its route."""
        for w in self.wefts[:2]:
            wait_until(lambda: self.routes(w) >= COUNT - 2 or No(self.routes(w)), deadline_s, "all routes",
                       every_s=0.5)

    @staticmethod
    def routes(w):
        out = w.ns.ip("route", "show", "table", "all", "proto", "212")
        return len(re.findall(r"^10\.\S+ (?:nhid|via)", out, re.M))


class Heartbeats(threading.Thread):
    """Every node's status anew each 10 s, evenly."""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.cluster, self.done, self.sent = cluster, threading.Event(), 0
        self.read_s = 0     # what Python takes to read as many

    def run(self):
        store, nodes, begin = self.cluster.api.store, self.cluster.nodes, time.monotonic()
        while not self.done.wait(max(0, begin + self.sent * 10 / COUNT - time.monotonic())):
            name = nodes[self.sent % len(nodes)]
            store.put(NODES, apistore.heartbeat(store.get(NODES, name)))
            text = json.dumps(store.get(NODES, name))
            begun = time.thread_time()
            json.loads(text)
            self.read_s += time.thread_time() - begun
            self.sent += 1

    def stop(self):
        self.done.set()
        self.join(5)


def sessions(w):
    """What would show that a session was touched."""
    return {p["name"]: (p["state"], p.get("established"), p.get("flaps"), p.get("changed")) for p in
            w.json("peers")["peers"]}


def test_thousand_nodes(lab, api_server, figure):
    """Memory, processor time, pages, and how soon a new node is reached."""
    c = Cluster(lab, api_server).start()
    c.wait_whole()
    r1 = c.wefts[0]
    pages = [r for r in c.api.asked(rf"GET {NODES}\?") if "watch" not in r.query]
    assert pages and all(r.query.get("limit") == "50" for r in pages)

    usage = Usage(r1.pid("weft-agent"))
    figure(f"after the start: RSS {usage.rss_mb():.1f} MB, at its peak {usage.peak_mb():.1f} MB")
    assert usage.peak_mb() < 24
    before, watcher = sessions(r1), r1.ns.spawn("ip", "monitor", "route", "nexthop", log="monitor.out")
    beats = Heartbeats(c)
    usage = Usage(usage.pid)
    beats.start()
    holds_for(lambda: usage.rss_mb() < 16, SECONDS, "RSS below 16 MB", every_s=0.5)
    cpu, python = usage.cpu(), beats.read_s / SECONDS
    beats.stop()
    figure(f"{beats.sent} status updates in {SECONDS} s: RSS {usage.rss_mb():.1f} MB, "
           f"{cpu * 100:.2f} % of a core; Python reads them with {python * 100:.2f} %")
    assert sessions(r1) == before and not told(watcher)
    assert cpu < max(0.02, 3 * python)

    soon = new_node(c, figure)
    list_again(c, usage, figure)
    assert soon < 1


def new_node(c, figure):
    """Seconds from the event's last octet to the session and the route, on every node."""
    name, addresses, cidrs = real(3)
    before = c.api.store.revision
    c.put(name, addresses, cidrs)
    wait_until(lambda: all(w.ns.ip("route", "show", "table", "all", cidrs[0], "proto", "212") for w in c.wefts[:2]),
               10, "the new node's route everywhere", every_s=0.005)
    took = time.monotonic() - c.api.written[before + 1]
    figure(f"a new node's route is everywhere {took:.3f} s after the last octet of its event")
    r3 = c.wefts[2]
    wait_until(lambda: c.routes(r3) >= COUNT - 1 or No(c.routes(r3)), 10, "the new node has all routes")
    return took


def list_again(c, usage, figure):
    """A whole list anew (410): the peak stays low, and what it took is given back."""
    lists = len(c.api.asked(f"GET {NODES}.*limit=50"))
    c.api.fault("watch=", gone_event(), times=3)
    c.api.cut_watches("rst", NODES)
    wait_until(lambda: len(c.api.asked(f"GET {NODES}.*limit=50")) >= lists + 3 * (COUNT // 50), 30,
               "everybody lists again")
    wait_until(lambda: usage.rss_mb() < 16 or No(usage.rss_mb()), 5, "memory given back")
    figure(f"after another list: RSS {usage.rss_mb():.1f} MB, at its peak {usage.peak_mb():.1f} MB")
    assert usage.peak_mb() < 24
