"""The API server that the other tests use is a real one and behaves as they take for granted."""

import json
import time

import pytest
from fabric.kube import ApiError, kubectl
from fabric.wait import wait_until

pytestmark = pytest.mark.patient


def test_server_is_real_and_survives_what_tests_do_to_it(lab, kube, figure):
    node = lab.ns("node")
    path = kube.attach(lab, node)
    kube.create(kube.node("a", ["10.0.0.1", "fd00::1"], ["10.244.1.0/24", "fd00:10:244:1::/64"]),
                kube.service("web", type="LoadBalancer", status_ips=["203.0.113.1"]),
                kube.slice("web", [("10.244.1.5", "a", {})]))
    seen = json.loads(node.run(kubectl(), "--kubeconfig", path, "get", "node", "a", "-o", "json"))
    assert seen["spec"]["podCIDRs"] == ["10.244.1.0/24", "fd00:10:244:1::/64"]
    assert [a["address"] for a in seen["status"]["addresses"]][:2] == ["10.0.0.1", "fd00::1"]
    assert kube.get("/version")["gitVersion"] == "v1.20.2"
    assert kube.get("/api/v1/namespaces/default/services/web")["status"]["loadBalancer"]["ingress"]
    assert kube.items("/apis/discovery.k8s.io/v1/endpointslices")[0]["endpoints"][0]["nodeName"] == "a"

    for broken in (kube.apiserver, kube.etcd):
        broken.kill()
        start = time.monotonic()
        kube.ensure()
        figure(f"{broken.log[:-4]} is back {time.monotonic() - start:.1f} s after it was killed")
        assert kube.get("/api/v1/nodes/a")["metadata"]["name"] == "a"


def test_tokens_say_who_may_what_and_expire(lab, kube):
    node = lab.ns("node")
    kube.attach(lab, node)
    kube.service_account("looker", [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list"]}])
    path = kube.token_kubeconfig("looker", kube.token("looker"))

    def ask(path, *words):
        return node.run(kubectl(), "--kubeconfig", path, *words, check=False)
    wait_until(lambda: ask(path, "get", "nodes").returncode == 0, 10, "its role is in force")
    assert "Forbidden" in ask(path, "get", "secrets").stderr
    good, bad = (kube.token_kubeconfig(f"lasts{s}", kube.sign_token("looker", s)) for s in (30, -1))
    assert ask(good, "get", "nodes").returncode == 0
    assert "Unauthorized" in ask(bad, "get", "nodes").stderr
    with pytest.raises(ApiError):
        kube.get("/api/v1/nodes/none")
