"""The agent's connection to a real API server: who it is, what is shown of it, and what it costs."""

import os
import shutil
import time

import pytest

from fabric.kube import ADDRESS, PORT, read
from fabric.peers import Bird
from fabric.topo import Pair
from fabric.wait import No, wait_until
from fabric.weft import Weft, config

pytestmark = pytest.mark.patient

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


def node(lab, kube, name, **kubernetes):
    ns = lab.ns(name)
    path = kube.attach(lab, ns)
    return Weft(ns, config(name, 64512, [f"10.9.{len(name)}.1"], [], [], [],
                           kubernetes=kubernetes or {"kubeconfig": path}))


def shown(weft):
    return weft.json("kube")["kube"]


def wait_state(weft, state, deadline_s):
    return wait_until(lambda: (k := shown(weft))["state"] == state and k or No(k), deadline_s,
                      f"the API server is {state}")


def private_kb(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        fields = dict(line.split(":") for line in f.readlines()[1:])
    return sum(int(fields[f"Private_{what}"].split()[0]) for what in ("Clean", "Dirty"))


def test_server_killed_and_hung(lab, kube, figure):
    """Lost and found again are seen soon, told as events and in the status; a hung server is not lost."""
    weft = node(lab, kube, "node").start()
    k = wait_state(weft, "connected", 5)
    assert k["server"] == f"https://{ADDRESS}:{PORT}" and k["credentials"] == "certificate"
    assert k["namespace"] == "kube-system" and k["losses"] == 0
    assert "connected" in weft.weft("kube") and weft.weft("status", check=False)
    kube.apiserver.kill()
    k = wait_state(weft, "lost", 3)
    assert k["why"] and weft.status()["kubernetes"]["state"] == "lost"
    assert any("API server cannot be reached" in w for w in weft.status()["warnings"])
    kube.apiserver.start()
    ready = time.monotonic()
    wait_state(weft, "connected", 5)
    late = time.monotonic() - ready
    figure(f"connected {late:.2f} s after the API server was ready")
    assert late < 2
    events = [e["event"] for e in weft.json("events")["events"]]
    assert events.count("kube-connected") == 2 and events.count("kube-lost") == 1
    assert not any("API server" in w for w in weft.status()["warnings"])


def test_service_account(lab, kube):
    """In a pod: address from the environment, token, CA and namespace from files that weftd opens."""
    kube.service_account("weft", [{"nonResourceURLs": ["/readyz"], "verbs": ["get"]}])
    weft = node(lab, kube, "node", enabled="auto")
    account = f"{weft.ns.dir}/account"
    os.makedirs(account, mode=0o700)
    for name, text in (("token", kube.token("weft")), ("namespace", "weft-system"),
                       ("ca.crt", read(kube.authority.cert).decode())):
        with open(f"{account}/{name}", "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(text)
    os.makedirs(ACCOUNT, exist_ok=True)
    weft.binds = [(account, ACCOUNT)]
    weft.env = {"KUBERNETES_SERVICE_HOST": ADDRESS, "KUBERNETES_SERVICE_PORT": str(PORT)}
    weft.start()
    k = wait_state(weft, "connected", 5)
    assert k["credentials"] == "service-account" and k["namespace"] == "weft-system"
    assert k["server"] == f"https://{ADDRESS}:{PORT}"


def test_not_a_cluster(lab, kube):
    """auto on a plain host: nothing is watched, and no TLS is in the agent's memory."""
    weft = node(lab, kube, "node", enabled="auto").start()
    assert shown(weft) == {"enabled": False} and weft.status()["kubernetes"] is None
    with open(f"/proc/{weft.pid('weft-agent')}/maps") as f:
        mapped = f.read()
    assert "weft-tls" not in mapped and "libcrypto" not in mapped and "libssl" not in mapped


def test_credentials_and_reload(lab, kube):
    """What is wrong is said in words; a reload mends it; another kubeconfig counts at once."""
    weft = node(lab, kube, "node", enabled="true").start()
    k = wait_state(weft, "lost", 5)
    assert "KUBERNETES_SERVICE_HOST" in k["why"] and not k["credentials"]
    path = shutil.copy(kube.kubeconfig(), f"{weft.ns.dir}/cluster.kubeconfig")
    for url, words in ((f"https://{ADDRESS}:1", "refused"), ("https://localhost:6443", "refused"),
                       ("https://nowhere.invalid", "cannot find")):
        weft.write_config({**weft.config, "kubernetes": {"kubeconfig": path, "server": url}})
        weft.weft("reload")
        wait_until(lambda: words in (shown(weft).get("why") or "") or No(shown(weft)), 10, words)
    weft.write_config({**weft.config, "kubernetes": {"kubeconfig": path}})
    weft.weft("reload")
    wait_state(weft, "connected", 5)
    weft.write_config({**weft.config, "kubernetes": {"enabled": "false", "kubeconfig": path}})
    weft.weft("reload")
    assert shown(weft) == {"enabled": False}


def test_its_address_is_protected(lab, kube):
    """A peer that announces the API server's address does not get its traffic (kernel.protect)."""
    pair = Pair(lab, Bird, [f"{ADDRESS}/32", "172.31.254.1/32"])
    pair.weft.config["kubernetes"] = {"kubeconfig": kube.attach(lab, pair.weft.ns)}
    pair.weft.config["kernel"]["permit"] = ["172.31.0.0/16"]
    pair.daemon.start()
    pair.weft.start()
    wait_state(pair.weft, "connected", 5)
    pair.wait_up()

    def states():
        rows = {r["prefix"]: r["state"] for r in pair.weft.json("fib")["fib"]}
        return rows.get(f"{ADDRESS}/32") == "refused" and rows.get("172.31.254.1/32") == "installed" or No(rows)
    wait_until(states, 5, "the API server's route is refused, the other one installed")
    assert shown(pair.weft)["state"] == "connected"


@pytest.mark.release
def test_memory_of_tls(lab, kube, figure):
    """What a connection to the API server adds to the agent's own memory."""
    weft = node(lab, kube, "node", enabled="false").start()
    before = private_kb(weft.pid("weft-agent"))
    weft.write_config({**weft.config, "kubernetes": {"kubeconfig": shutil.copy(
        kube.kubeconfig(), f"{weft.ns.dir}/cluster.kubeconfig")}})
    weft.weft("reload")
    wait_state(weft, "connected", 5)
    after = private_kb(weft.pid("weft-agent"))
    figure(f"private memory of the agent {before} kB, with a connection to the API server {after} kB")
    assert after - before < 4096
