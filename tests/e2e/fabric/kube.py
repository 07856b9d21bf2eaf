"""A real Kubernetes API server with its etcd in a namespace, and questions to it.

    def test_something(lab, kube):          # the fixture: one server for the whole run,
        node = lab.ns("node")               # emptied before each test
        path = kube.attach(lab, node)       # a link from node to the server; kubeconfig (admin)
        weft = Weft(node, config("node", ..., kubernetes={"enabled": True, "kubeconfig": path}))
        kube.create(kube.node("node", ["10.0.0.1"], ["10.244.1.0/24"]))

The server is HTTPS on [ADDRESS]:6443 with a certificate of its own CA, also as 127.0.0.1 in its
own namespace (kube.ns). Authorization is Node,RBAC. Identities: "admin" (system:masters) by client
certificate; service accounts by token:

    kube.service_account("weft", rules=[{"apiGroups": [""], "resources": ["nodes"], "verbs": [...]}])
    kube.token("weft")                      # by TokenRequest (600 s and more)
    kube.sign_token("weft", 3)              # made with the server's key: expires when you like
    kube.token_kubeconfig("weft", token)    # or file=PATH: a kubeconfig with tokenFile

Objects are plain data: kube.create(*objects), kube.get(PATH), kube.patch(PATH, merge), kube.delete(PATH);
kube.kubectl("get", "nodes") runs the real kubectl. Faults: kube.apiserver and kube.etcd have kill(),
stop() (SIGTERM), hang(), go_on(), start(); kube.ensure() has everything running again.

Kubernetes 1.20 has EndpointSlices as v1beta1 only. discovery.k8s.io/v1 is served from a
CustomResourceDefinition; tests write into it what they like (kube.slice). With controllers=True
v1beta1 is there as well, and a Mirror copies what the controller manager writes.

The programs are made by tests/kube/build.
"""

import base64
import contextlib
import copy
import glob
import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time

from .net import Lab
from .peers import copy_of
from .weft import to_yaml
from .wait import No, wait_until

CACHE = os.environ.get("WEFT_KUBE", "/var/cache/weft-test-kube")
ADDRESS, ADDRESS6 = "172.31.255.1", "fd00:31:255::1"
PORT = 6443
SERVICES = "10.96.0.0/16,fd00:10:96::/112"
GATES = "IPv6DualStack=true,EndpointSliceNodeName=true,EndpointSliceTerminatingCondition=true"
ISSUER = "https://kubernetes.default.svc"
SLICES = "discovery.k8s.io/v1"


def program(name):
    """Path of one of the programs that tests/kube/build makes; its absence is a failure."""
    found = sorted(glob.glob(f"{CACHE}/kubernetes_*/.complete"), key=os.path.getmtime)
    assert found, f"no Kubernetes in {CACHE}: run tests/kube/build first"
    return f"{os.path.dirname(found[-1])}/{name}"


def kubectl():
    """Path of kubectl: Debian's, from our private copy, as the host may have another one."""
    return f"{copy_of('kubernetes-client')}/usr/bin/kubectl"


# ---- certificates ----------------------------------------------------------------


class Authority:
    """A certificate authority with its files in a directory; made with openssl."""

    def __init__(self, directory):
        self.dir = directory
        os.makedirs(directory, mode=0o755, exist_ok=True)
        self.cert, self.key = f"{directory}/ca.crt", f"{directory}/ca.key"
        self._request(self.cert, self.key, "/CN=weft-test-ca",
                      "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,digitalSignature")

    @staticmethod
    def _request(cert, key, subject, *extensions, ca=()):
        more = [word for e in extensions for word in ("-addext", e)]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "3650", "-subj", subject,
                        "-out", cert, "-keyout", key, *more, *ca], check=True, capture_output=True)

    def issue(self, name, subject, usage, names=()):
        """(certificate, key): files called after name. names: "IP:..." and "DNS:..."."""
        cert, key = f"{self.dir}/{name}.crt", f"{self.dir}/{name}.key"
        if not os.path.exists(cert):
            more = [f"subjectAltName={','.join(names)}"] if names else []
            self._request(cert, key, subject, "basicConstraints=critical,CA:FALSE",
                          f"extendedKeyUsage={usage}", *more, ca=("-CA", self.cert, "-CAkey", self.key))
        return cert, key


def b64(data):
    return base64.b64encode(data).decode()


def read(path):
    with open(path, "rb") as f:
        return f.read()


# ---- processes ---------------------------------------------------------------------


class Program:
    """One long-running program that can be killed, hung and started again."""

    def __init__(self, ns, argv, log, ready):
        self.ns, self.argv, self.log, self.ready, self.proc = ns, argv, log, ready, None

    def start(self, deadline_s=60, wait=True):
        if not self.alive():
            self.proc = self.ns.spawn(*self.argv, log=self.log)
        if wait:
            self.wait_ready(deadline_s)
        return self

    def wait_ready(self, deadline_s=60):
        try:
            wait_until(lambda: not self.alive() or self.ready(), deadline_s, f"{self.log} is ready", every_s=0.1)
            assert self.alive(), f"{self.log}: it ended"
        except AssertionError as e:
            raise AssertionError(f"{e}\n{self.proc.text()[-2000:]}") from None

    def alive(self):
        return self.proc is not None and self.proc.alive()

    def kill(self):
        """SIGKILL."""
        if self.proc:
            self.proc.kill()

    def stop(self, deadline_s=70):
        """SIGTERM, and wait for the end."""
        if self.proc:
            self.proc.kill(signal.SIGTERM, deadline_s)

    def hang(self):
        os.kill(self.proc.pid, signal.SIGSTOP)

    def go_on(self):
        if self.alive():
            os.kill(self.proc.pid, signal.SIGCONT)

    def text(self):
        return self.proc.text()


# ---- the server ----------------------------------------------------------------------


class ApiError(AssertionError):
    """An answer of the API server that is not 2xx."""

    def __init__(self, method, path, status, body):
        super().__init__(f"{method} {path}: {status} {body}")
        self.status, self.body = status, body


class Client:
    """Questions to the API server of this network namespace, as admin. pki: folder with its certificates."""

    def __init__(self, pki):
        self.pki, self._local = pki, threading.local()

    def connection(self, timeout_s=30):
        """A new HTTPS connection (http.client)."""
        context = ssl.create_default_context(cafile=f"{self.pki}/ca.crt")
        context.load_cert_chain(f"{self.pki}/admin.crt", f"{self.pki}/admin.key")
        c = http.client.HTTPSConnection("127.0.0.1", PORT, context=context, timeout=timeout_s)
        c.connect()
        return c

    def _once(self, method, path, body, kind):
        c = getattr(self._local, "connection", None)
        if c is None:
            c = self._local.connection = self.connection()
        try:
            c.request(method, path, body, {"Content-Type": kind})
            answer = c.getresponse()
            return answer.status, answer.read()
        except Exception:
            c.close()
            self._local.connection = None
            raise

    def request(self, method, path, body=None, kind="application/json"):
        """One request as admin; the answer as data (text when it is no JSON)."""
        data = json.dumps(body).encode() if body is not None else None
        try:
            status, text = self._once(method, path, data, kind)
        except (OSError, http.client.HTTPException):
            status, text = self._once(method, path, data, kind)    # the kept connection was an old one
        if not 200 <= status < 300:
            raise ApiError(method, path, status, text[:500])
        try:
            return json.loads(text)
        except ValueError:
            return text.decode(errors="replace")

    def get(self, path):
        return self.request("GET", path)

    def items(self, path):
        return self.get(path)["items"]

    def patch(self, path, change):
        """A JSON merge patch. Status: PATH/status."""
        return self.request("PATCH", path, change, "application/merge-patch+json")

    def put(self, path, body):
        return self.request("PUT", path, body)

    def delete(self, path, grace_s=None, missing_ok=True):
        try:
            return self.request("DELETE", path, grace_s is not None and {"gracePeriodSeconds": grace_s} or None)
        except ApiError as e:
            if e.status != 404 or not missing_ok:
                raise
            return None

    def create(self, *objects):
        """Create objects (with their status, where they have one); returns the last as it is now."""
        made = None
        for o in objects:
            made = self.request("POST", collection_path(o), o)
            if o.get("status") and has_status(o):
                status = {"status": o["status"]}
                made = self.patch(object_path(o) + "/status", status)
        return made

    def define(self, plural, kind, group, version, scope="Cluster", annotations=None):
        """A CustomResourceDefinition that takes anything; returns when it is served."""
        name = f"{plural}.{group}"
        definition = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                      "metadata": {"name": name, "annotations": annotations or {}},
                      "spec": {"group": group, "scope": scope,
                               "names": {"kind": kind, "listKind": kind + "List", "plural": plural,
                                         "singular": kind.lower()},
                               "versions": [{"name": version, "served": True, "storage": True, "schema": {
                                   "openAPIV3Schema": {"type": "object",
                                                       "x-kubernetes-preserve-unknown-fields": True}}}]}}
        with tolerating(409):
            self.create(definition)
        self.wait_served(f"/apis/{group}/{version}/{plural}")

    def wait_served(self, path, deadline_s=30):
        """Until a list of custom resources is answered (429 and 404 just after their definition)."""
        wait_until(lambda: self.get(path + "?limit=1") is not None, deadline_s, f"{path} is served")

    def watch(self, path, version="0", timeout_s=300):
        """Events of a watch as data, until the stream ends."""
        with contextlib.closing(self.connection(timeout_s + 30)) as c:
            c.request("GET", f"{path}?watch=1&resourceVersion={version}&timeoutSeconds={timeout_s}")
            answer, text = c.getresponse(), b""
            while piece := answer.read1(65536):
                text += piece
                while b"\n" in text:
                    line, text = text.split(b"\n", 1)
                    yield json.loads(line)


class Kube(Client):
    """etcd and kube-apiserver in the namespace ns.

    addresses: where others reach the server (in its certificate, advertised as the first one).
    controllers: the controller manager will run, too (service accounts of Pods, old EndpointSlices).
    """

    def __init__(self, ns, addresses=(ADDRESS, ADDRESS6), controllers=False, flags=()):
        self.ns, self.addresses, self.dir = ns, list(addresses), f"{ns.dir}/kube"
        self.authority = Authority(f"{self.dir}/pki")
        super().__init__(self.authority.dir)
        self._links = 0
        self._make_keys()
        self.etcd = Program(ns, self._etcd_words(), "etcd.log", self._etcd_ready)
        self.apiserver = Program(ns, [*self._apiserver_words(controllers), *flags], "kube-apiserver.log",
                                 self._api_ready)

    # -- how it is started ------------------------------------------------------------

    def _make_keys(self):
        names = [f"IP:{a}" for a in ("127.0.0.1", "::1", "10.96.0.1", "fd00:10:96::1", *self.addresses)]
        names += [f"DNS:{n}" for n in ("localhost", "kubernetes", "kubernetes.default",
                                       "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")]
        self.server_cert = self.authority.issue("apiserver", "/CN=kube-apiserver", "serverAuth", names)
        self.admin_cert = self.authority.issue("admin", "/O=system:masters/CN=admin", "clientAuth")
        self.account_key = f"{self.dir}/pki/accounts.key"
        subprocess.run(["openssl", "genrsa", "-traditional", "-out", self.account_key, "2048"],
                       check=True, capture_output=True)

    def _etcd_words(self):
        url, peer = "http://127.0.0.1:2379", "http://127.0.0.1:2380"
        return [f"{copy_of('etcd-server')}/usr/bin/etcd", "--name", "k", "--data-dir", f"{self.dir}/etcd", "--listen-client-urls", url,
                "--advertise-client-urls", url, "--listen-peer-urls", peer,
                "--initial-advertise-peer-urls", peer, "--initial-cluster", f"k={peer}",
                "--logger", "zap", "--log-outputs", "stderr", "--log-level", "warn"]

    def _apiserver_words(self, controllers):
        pki = f"{self.dir}/pki"
        alone = ["--disable-admission-plugins=ServiceAccount", "--runtime-config=discovery.k8s.io/v1beta1=false"]
        return [program("kube-apiserver"), "--etcd-servers=http://127.0.0.1:2379", "--bind-address=::",
                f"--secure-port={PORT}", f"--advertise-address={self.addresses[0]}",
                f"--tls-cert-file={self.server_cert[0]}", f"--tls-private-key-file={self.server_cert[1]}",
                f"--client-ca-file={self.authority.cert}", "--authorization-mode=Node,RBAC",
                f"--service-account-key-file={self.account_key}",
                f"--service-account-signing-key-file={self.account_key}",
                f"--service-account-issuer={ISSUER}", f"--service-cluster-ip-range={SERVICES}",
                f"--feature-gates={GATES}", "--allow-privileged=true", f"--cert-dir={pki}/made",
                "--enable-admission-plugins=NodeRestriction", "--profiling=false",
                f"--kubelet-client-certificate={self.admin_cert[0]}",
                f"--kubelet-client-key={self.admin_cert[1]}",
                f"--kubelet-certificate-authority={self.authority.cert}",
                *([] if controllers else alone)]

    def _etcd_ready(self):
        with self.ns.entered():
            c = http.client.HTTPConnection("127.0.0.1", 2379, timeout=2)
            c.connect()
        with contextlib.closing(c):
            c.request("GET", "/health")
            return json.loads(c.getresponse().read()).get("health") == "true"

    def _api_ready(self):
        """Ready, its RBAC roles made, and its default namespace there."""
        self.get("/readyz")
        self.get("/api/v1/namespaces/default")
        return True

    def start(self, deadline_s=90):
        """Start both; the API can be used when this returns."""
        for a in self.addresses:
            self.ns.ip("addr", "replace", f"{a}/{128 if ':' in a else 32}", "dev", "lo")
        self.ensure(deadline_s)
        self._serve_slices()
        return self

    def ensure(self, deadline_s=90):
        """Whatever was killed or hung runs again."""
        for p in (self.etcd, self.apiserver):
            p.go_on()
            p.start(wait=False)
        self.etcd.wait_ready(deadline_s)
        self.apiserver.wait_ready(deadline_s)
        return self

    def stop(self):
        for p in (self.apiserver, self.etcd):
            p.kill()

    def start_mirror(self):
        """Have what the controller manager writes as v1beta1 EndpointSlices in v1, too."""
        return self.ns.spawn(sys.executable, "-m", "fabric.kube", "mirror", self.pki, log="mirror.log",
                             cwd=os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

    def _serve_slices(self):
        """Have discovery.k8s.io/v1, which 1.20 does not know, served from a definition of ours."""
        self.define("endpointslices", "EndpointSlice", "discovery.k8s.io", "v1", scope="Namespaced",
                    annotations={"api-approved.kubernetes.io": "unapproved, testing-only"})

    # -- reaching it --------------------------------------------------------------------

    def attach(self, lab, ns, dev="kube"):
        """A link from a namespace to the server; returns the admin's kubeconfig for it."""
        self._links += 1
        k = self._links
        lab.link(ns, dev, self.ns, f"to{k}", [f"172.31.{k}.2/30", f"fd00:31:{k}::2/64"],
                 [f"172.31.{k}.1/30", f"fd00:31:{k}::1/64"])
        for family, (address, via) in enumerate(zip(self.addresses, (f"172.31.{k}.1", f"fd00:31:{k}::1"))):
            ns.ip("-6" if family else "-4", "route", "add", address, "via", via)
        return self.kubeconfig()

    def url(self, address=None):
        address = address or self.addresses[0]
        return f"https://[{address}]:{PORT}" if ":" in address else f"https://{address}:{PORT}"

    def _write_kubeconfig(self, name, user, url):
        path = f"{self.dir}/{name}.kubeconfig"
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "test",
                  "clusters": [{"name": "test", "cluster": {
                      "server": url or self.url(),
                      "certificate-authority-data": b64(read(self.authority.cert))}}],
                  "users": [{"name": name, "user": user}],
                  "contexts": [{"name": "test", "context": {"cluster": "test", "user": name}}]}
        with open(path, "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(to_yaml(config) + "\n")
        return path

    def kubeconfig(self, name="admin", subject=None, url=None):
        """Path of a kubeconfig with a client certificate for subject (admin: everything)."""
        cert, key = self.authority.issue(name, subject, "clientAuth") if subject else self.admin_cert
        return self._write_kubeconfig(name, {"client-certificate-data": b64(read(cert)),
                                             "client-key-data": b64(read(key))}, url)

    def token_kubeconfig(self, name, token=None, file=None, url=None):
        """Path of a kubeconfig with a token, or with the file that has it."""
        user = {"tokenFile": file} if file else {"token": token}
        return self._write_kubeconfig(name, user, url)

    def kubectl(self, *words, stdin=None, check=True):
        """The real kubectl, as admin, in the server's namespace."""
        return self.ns.run(kubectl(), "--kubeconfig", self.kubeconfig(), *words, stdin=stdin, check=check,
                           env={"HOME": self.dir})

    def connection(self, timeout_s=30):
        with self.ns.entered():
            return super().connection(timeout_s)

    # -- service accounts ---------------------------------------------------------------------

    def service_account(self, name, rules=(), namespace="kube-system"):
        """A service account that may do what rules (of a ClusterRole) say."""
        meta = {"name": name}
        rbac = "rbac.authorization.k8s.io"
        objects = [{"apiVersion": "v1", "kind": "ServiceAccount",
                    "metadata": {"name": name, "namespace": namespace}},
                   {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": meta, "rules": list(rules)},
                   {"apiVersion": f"{rbac}/v1", "kind": "ClusterRoleBinding", "metadata": meta,
                    "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": name},
                    "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}]}]
        for o in objects:
            with tolerating(409):
                self.create(o)

    def token(self, name, namespace="kube-system", seconds=3600):
        """A token of a service account by TokenRequest."""
        return self.request("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token",
                            {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                             "spec": {"expirationSeconds": seconds}})["status"]["token"]

    def sign_token(self, name, seconds, namespace="kube-system"):
        """A token that expires after any number of seconds, signed with the server's key.

        The server allows a minute's grace, taken off here, and remembers a good token for 10 s.
        """
        account = self.get(f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}")
        now = int(time.time()) - 60
        claims = {"iss": ISSUER, "aud": [ISSUER], "sub": f"system:serviceaccount:{namespace}:{name}",
                  "iat": now, "nbf": now, "exp": now + seconds,
                  "kubernetes.io": {"namespace": namespace, "serviceaccount": {
                      "name": name, "uid": account["metadata"]["uid"]}}}

        def part(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=")
        head = part(json.dumps({"alg": "RS256", "typ": "JWT"}).encode()) + b"." + part(json.dumps(claims).encode())
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.account_key], input=head,
                                   check=True, capture_output=True).stdout
        return (head + b"." + part(signature)).decode()

    # -- objects that many tests need ------------------------------------------------------------

    @staticmethod
    def node(name, addresses, cidrs=(), labels=None, annotations=None, **spec):
        """A Node object as a kubelet and the controller manager would have it."""
        return {"apiVersion": "v1", "kind": "Node",
                "metadata": {"name": name, "annotations": annotations or {},
                             "labels": {"kubernetes.io/hostname": name, **(labels or {})}},
                "spec": {**({"podCIDR": cidrs[0], "podCIDRs": list(cidrs)} if cidrs else {}), **spec},
                "status": {"addresses": [{"type": "InternalIP", "address": a} for a in addresses] +
                           [{"type": "Hostname", "address": name}]}}

    @staticmethod
    def service(name, port=80, namespace="default", status_ips=(), **spec):
        """A Service; status_ips: addresses of its load balancer."""
        o = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
             "spec": {"selector": {"app": name}, "ports": [{"port": port, "protocol": "TCP"}], **spec}}
        if status_ips:
            o["status"] = {"loadBalancer": {"ingress": [{"ip": ip} for ip in status_ips]}}
        return o

    @staticmethod
    def slice(service, endpoints, port=80, namespace="default", name=None):
        """An EndpointSlice v1. endpoints: [(address, node, {conditions})]."""
        return {"apiVersion": SLICES, "kind": "EndpointSlice",
                "addressType": "IPv6" if endpoints and ":" in endpoints[0][0] else "IPv4",
                "metadata": {"name": name or f"{service}-1", "namespace": namespace,
                             "labels": {"kubernetes.io/service-name": service}},
                "endpoints": [{"addresses": [a], "nodeName": n, "conditions": {"ready": True, **c}}
                              for a, n, c in endpoints],
                "ports": [{"name": "", "port": port, "protocol": "TCP"}]}

    def wipe(self):
        """Delete whatever tests make; the server stays."""
        self.ensure()
        root = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

        def ours():
            return [f"{root}/{d['metadata']['name']}" for d in self.items(root)
                    if d["spec"]["group"] != "discovery.k8s.io"]
        for path in ours():
            self.delete(path)
        wait_until(lambda: not ours() or No(ours()), 30, "no definition is left")
        for kind in ("nodes", "pods", "services", "configmaps", "secrets", "events"):
            self._wipe_kind("v1", kind)
        for version, kind in ((SLICES, "endpointslices"), ("coordination.k8s.io/v1", "leases"),
                              ("apps/v1", "daemonsets")):
            self._wipe_kind(version, kind)

    KEPT = {"kubernetes", "kube-root-ca.crt", "extension-apiserver-authentication"}

    def _wipe_kind(self, version, plural):
        root = "/api/v1" if version == "v1" else f"/apis/{version}"
        for o in self.items(f"{root}/{plural}"):
            meta = o["metadata"]
            if meta["name"] in self.KEPT or o.get("type") == "kubernetes.io/service-account-token":
                continue
            where = f"/namespaces/{meta['namespace']}" if "namespace" in meta else ""
            if meta.get("finalizers"):
                self.patch(f"{root}{where}/{plural}/{meta['name']}", {"metadata": {"finalizers": None}})
            self.delete(f"{root}{where}/{plural}/{meta['name']}", grace_s=0)


PLURALS = {"Endpoints": "endpoints", "BGPConfiguration": "bgpconfigurations", "Ingress": "ingresses",
           "NetworkPolicy": "networkpolicies"}
CLUSTERWIDE = {"Node", "Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition",
               "PersistentVolume", "BGPConfiguration", "BGPPeer", "BGPFilter", "BGPAdvertisement"}
WITH_STATUS = {"Node", "Service", "Pod"}


def has_status(o):
    return o["kind"] in WITH_STATUS


def collection_path(o):
    """Where objects of this one's kind and namespace are."""
    version, kind = o["apiVersion"], o["kind"]
    root = "/api/v1" if version == "v1" else f"/apis/{version}"
    where = "" if kind in CLUSTERWIDE else f"/namespaces/{o['metadata'].get('namespace', 'default')}"
    return f"{root}{where}/{PLURALS.get(kind, kind.lower() + 's')}"


def object_path(o):
    return f"{collection_path(o)}/{o['metadata']['name']}"


@contextlib.contextmanager
def tolerating(*statuses):
    """These answers of the API server are fine, too."""
    try:
        yield
    except ApiError as e:
        if e.status not in statuses:
            raise


class Mirror:
    """Keeps discovery.k8s.io/v1 the same as the v1beta1 that the controller manager writes.

    As a process: python3 -m fabric.kube mirror PKI, see Kube.start_mirror().
    """

    OLD = "/apis/discovery.k8s.io/v1beta1"

    def __init__(self, client):
        self.kube = client

    def run(self):
        while True:
            try:
                self._follow()
            except (OSError, http.client.HTTPException, ValueError, KeyError, AssertionError) as e:
                print(f"mirror: {e}", flush=True)
                time.sleep(0.2)

    def _follow(self):
        old = self.kube.get(f"{self.OLD}/endpointslices")
        wanted = {self._key(o): self._newer(o) for o in old["items"]}
        for o in self.kube.items(f"/apis/{SLICES}/endpointslices"):
            if self._key(o) not in wanted:
                self.kube.delete(object_path(o))
        for o in wanted.values():
            self._write(o)
        for event in self.kube.watch(f"{self.OLD}/endpointslices", old["metadata"]["resourceVersion"]):
            if event["type"] == "ERROR":
                return
            o = self._newer(event["object"])
            if event["type"] == "DELETED":
                self.kube.delete(object_path(o))
            elif event["type"] != "BOOKMARK":
                self._write(o)

    @staticmethod
    def _key(o):
        return o["metadata"]["namespace"], o["metadata"]["name"]

    @staticmethod
    def _newer(o):
        new = copy.deepcopy(o)
        meta = o["metadata"]
        new.update(apiVersion=SLICES, kind="EndpointSlice", metadata={
            k: meta[k] for k in ("name", "namespace", "labels", "annotations") if k in meta})
        for e in new.get("endpoints") or []:
            host = (e.pop("topology", None) or {}).get("kubernetes.io/hostname")
            if host:
                e.setdefault("nodeName", host)
        return new

    def _write(self, o):
        try:
            now = self.kube.get(object_path(o))
        except ApiError:
            self.kube.create(o)
            return
        o["metadata"]["resourceVersion"] = now["metadata"]["resourceVersion"]
        self.kube.put(object_path(o), o)


def start_server():
    """(lab, Kube) in namespaces of their own, for a whole run; close the lab at its end."""
    lab = Lab(name="kube")
    try:
        return lab, Kube(lab.ns("api")).start()
    except BaseException:
        lab.close()
        raise


def wait_nodes(kube, names, deadline_s=60):
    """Until these Nodes are there with pod ranges; {name: Node}."""
    def there():
        nodes = {n["metadata"]["name"]: n for n in kube.items("/api/v1/nodes") if n["spec"].get("podCIDRs")}
        return set(names) <= set(nodes) and nodes or No(sorted(nodes))
    return wait_until(there, deadline_s, f"nodes {names} have pod ranges")


if __name__ == "__main__":
    command, directory = sys.argv[1:]
    {"mirror": lambda: Mirror(Client(directory)).run()}[command]()
