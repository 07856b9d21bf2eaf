"""Configuration in the cluster: custom resources against a real API server."""

import os

import pytest

from fabric.kube import ApiError

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
CRDS = os.path.join(TOP, "etc/kubernetes/crds")
SAMPLES = os.path.join(TOP, "etc/kubernetes/samples")
GROUP = "weft.dev/v1alpha1"
ROOT = f"/apis/{GROUP}"


def define(kube):
    """The definitions as they are shipped, by the real kubectl; served when this returns."""
    kube.kubectl("apply", "-f", CRDS)
    for name in os.listdir(CRDS):
        kube.wait_served(f"{ROOT}/{name.removesuffix('.yaml')}")


def resource(kind, name, **spec):
    return {"apiVersion": GROUP, "kind": kind, "metadata": {"name": name}, "spec": spec}


def peer(name, **spec):
    return resource("BGPPeer", name, **{"peerIP": "10.0.0.1", "asNumber": 65000, **spec})


BAD = [
    (peer("a", peerIP="10.0.0.300"), "spec.peerIP"),
    (peer("a", asNumber=0), "spec.asNumber"),
    (peer("a", asNumber="inside"), "spec.asNumber"),
    (peer("a", timers={"hold": "9"}), "spec.timers.hold"),
    (peer("a", families=["ipx"]), "spec.families"),
    (peer("a", maxPrefixes={"limit": 0}), "spec.maxPrefixes.limit"),
    (peer("a", maxPrefixes={"warnAt": "80"}), "spec.maxPrefixes.warnAt"),
    (peer("a", passive="yes"), "spec.passive"),
    (peer("a", extendedNextHop="perhaps"), "spec.extendedNextHop"),
    (peer("a", filters="f"), "spec.filters"),
    (resource("BGPPeer", "a", asNumber=1), "spec"),
    (peer("x" * 64), "metadata.name"),
    (resource("BGPConfiguration", "all", bgp={}), "metadata.name"),
    (resource("BGPConfiguration", "default", bgp={"asNumber": 4294967296}), "spec.bgp.asNumber"),
    (resource("BGPConfiguration", "default", kernel={"permit": ["10.0.0.0"]}), "spec.kernel.permit"),
    (resource("BGPFilter", "a", importV4=[{"action": "Refuse"}]), "spec.importV4"),
    (resource("BGPAdvertisement", "a", type="Pods"), "spec.type"),
    (resource("BGPAdvertisement", "a"), "spec.type"),
]


def test_definitions(kube):
    """A real server takes the definitions and the samples, and refuses what the schema excludes."""
    define(kube)
    for crd in kube.items("/apis/apiextensions.k8s.io/v1/customresourcedefinitions"):
        wrong = [c for c in crd["status"]["conditions"] if c["type"] == "NonStructuralSchema"]
        assert not wrong, wrong
    kube.kubectl("apply", "-f", SAMPLES)
    shown = kube.kubectl("get", "bgppeers")
    assert "65001" in shown and "192.0.2.1" in shown and "ACCEPTED" in shown
    for o in (peer("b", extendedNextHop=True, ebgpMultihop=True),
              peer("c", extendedNextHop="auto", ebgpMultihop=3, asNumber="internal"),
              peer("d", peerIP="[2001:db8::1]:1179", timers={"hold": 0})):
        kube.create(o)
    for o, where in BAD:
        with pytest.raises(ApiError) as e:
            kube.create(o)
        assert e.value.status == 422 and where in str(e.value), str(e.value)
