"""What etc/kubernetes says to a real API server: it takes the manifests, and weft may do what they allow."""

import pytest

from fabric.wait import No, wait_until
from fabric.weft import TOP

pytestmark = [pytest.mark.kube, pytest.mark.patient]

WHO = "system:serviceaccount:weft-system:weft"
ALLOWED = ["list nodes", "watch nodes", "patch nodes", "patch nodes/status", "list services", "watch services",
           "patch services/status", "list endpointslices.discovery.k8s.io", "list bgppeers.weft.dev",
           "patch bgppeers.weft.dev/status", "create events", "create leases.coordination.k8s.io -n weft-system",
           "get leases.coordination.k8s.io/weft-load-balancer -n weft-system",
           "patch leases.coordination.k8s.io/weft-load-balancer -n weft-system"]
FORBIDDEN = ["delete nodes", "create pods", "list pods", "list secrets", "list secrets -n weft-system",
             "get secrets/other -n weft-system", "patch services", "update bgppeers.weft.dev",
             "patch leases.coordination.k8s.io/other -n weft-system", "list configmaps -n weft-system"]


def may(kube, what):
    verb, *rest = what.split()
    if "/" in rest[0] and rest[0].endswith(("/status",)):
        thing, sub = rest[0].split("/")
        rest = [thing, f"--subresource={sub}", *rest[1:]]
    return kube.kubectl("auth", "can-i", verb, *rest, f"--as={WHO}", check=False).stdout.strip() == "yes"


def test_manifests(kube):
    """The custom resource definitions and the manifests are taken as they are; the rights are as narrow as said."""
    folder = f"{TOP}/etc/kubernetes"
    kube.kubectl("apply", "-f", f"{folder}/crds/")
    try:
        said = kube.kubectl("apply", "-f", f"{folder}/weft.yaml")
        assert "daemonset.apps/weft created" in said
        found = kube.get("/apis/apps/v1/namespaces/weft-system/daemonsets/weft")
        [container] = found["spec"]["template"]["spec"]["containers"]
        security = container["securityContext"]
        assert security["privileged"] is False and security["readOnlyRootFilesystem"] is True
        assert security["capabilities"]["drop"] == ["ALL"] and len(security["capabilities"]["add"]) == 10

        def settled():      # the authorizer follows its roles by watches
            wrong = [w for w in ALLOWED if not may(kube, w)]
            return not wrong or No(f"not allowed: {wrong}")
        wait_until(settled, 10, "the service account may do its work")
        assert [w for w in FORBIDDEN if may(kube, w)] == []
    finally:
        kube.kubectl("delete", "-f", f"{folder}/weft.yaml", "--wait=false", check=False)
