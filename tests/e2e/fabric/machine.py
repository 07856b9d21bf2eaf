"""A machine that can be a Kubernetes node: containerd and kubelet of its own in a namespace.

Around the network namespace there are a process and a mount namespace. All that ever runs on the
machine, pods included, is in its process namespace and dies with its first process; nothing of it is
seen on the host but the control groups of its containers, which net.remove_cgroups() takes away.

kubelet would set three sysctls of the whole host (vm.overcommit_memory, kernel.panic,
kernel.panic_on_oops): inside the machine files are in their place that have the values it wants.

Images are made here, without a registry: BASE has nothing but /pause and links into /usr, which pods
mount from the host.
"""

import glob
import hashlib
import io
import json
import os
import signal
import subprocess
import tarfile

from .kube import GATES, program
from .peers import copy_of
from .wait import No, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
PLUGINS = "/usr/lib/cni"
BASE = "weft.test/base:1"
DNS = "10.96.0.10"
SYSCTLS = {"vm/overcommit_memory": 1, "kernel/panic": 10, "kernel/panic_on_oops": 1}

# A /run, /var/log and /var/lib of the machine's own; of the host's /run only the lab's folder stays.
MOUNTS = """
set -e
mount -n -t tmpfs -o mode=755 none /mnt
mkdir -p "/mnt${LAB#/run}"
mount -n --bind "$LAB" "/mnt${LAB#/run}"
mount -n --move /mnt /run
mkdir -p /run/netns
mount -n --bind "$DIR/log" /var/log
mount -n --bind "$DIR/lib" /var/lib
for s in $SYSCTLS; do mount -n --bind "$DIR/sysctl/$(echo "$s" | tr / _)" "/proc/sys/$s"; done
exec "$PAUSE"
"""

CONTAINERD = """version = 2
root = "{dir}/containerd/root"
state = "{dir}/containerd/state"
[grpc]
address = "{dir}/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
path = "{dir}/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{base}"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{plugins}"
conf_dir = "{cni}"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
default_runtime_name = "runc"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
"""


# ---- the image ---------------------------------------------------------------------


def compile_pause(directory):
    """Compile pause.c once per run; returns the program's path."""
    out = f"{directory}/pause"
    if not os.path.exists(out):
        subprocess.run(["cc", "-static", "-Os", "-s", "-o", out, f"{HERE}/../pause.c"], check=True)
    return out


def _tar(*members):
    """A tar archive of (name, None: folder, text: link's target, octets: contents)."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, what in members:
            info = tarfile.TarInfo(name)
            info.mode = 0o755
            if what is None:
                info.type = tarfile.DIRTYPE
            elif isinstance(what, str):
                info.type, info.linkname = tarfile.SYMTYPE, what
            else:
                info.size = len(what)
            tar.addfile(info, io.BytesIO(what) if isinstance(what, bytes) else None)
    return data.getvalue()


def _digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def make_image(directory):
    """The image BASE as an OCI archive; returns its path."""
    path = f"{directory}/base.tar"
    if os.path.exists(path):
        return path
    with open(compile_pause(directory), "rb") as f:
        pause = f.read()
    layer = _tar(*[(d, None) for d in ("dev", "etc", "proc", "run", "srv", "sys", "tmp", "usr", "var")],
                 *[(d, f"usr/{d}") for d in ("bin", "lib", "lib64", "sbin")], ("pause", pause))
    oci = "application/vnd.oci.image"
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)

    def described(kind, data):
        return {"mediaType": f"{oci}.{kind}", "digest": _digest(data), "size": len(data)}
    config = json.dumps({"architecture": machine, "os": "linux",
                         "config": {"Entrypoint": ["/pause"], "Env": ["PATH=/usr/sbin:/usr/bin"]},
                         "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]}}).encode()
    manifest = json.dumps({"schemaVersion": 2, "mediaType": f"{oci}.manifest.v1+json",
                           "config": described("config.v1+json", config),
                           "layers": [described("layer.v1.tar", layer)]}).encode()
    index = {"schemaVersion": 2, "manifests": [{
        **described("manifest.v1+json", manifest), "annotations": {"io.containerd.image.name": BASE}}]}
    blobs = [(f"blobs/sha256/{_digest(b)[7:]}", b) for b in (layer, config, manifest)]
    with open(path, "wb") as f:
        f.write(_tar(("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'),
                     ("index.json", json.dumps(index).encode()), *blobs))
    return path


# ---- the machine -----------------------------------------------------------------------


class Machine:
    """One node's machine in the namespace ns."""

    def __init__(self, ns):
        self.ns, self.lab, self.name, self.dir = ns, ns.lab, ns.name, ns.dir
        self.lib, self.cni = f"{self.dir}/lib", "/var/lib/cni/net.d"     # lib: its /var/lib from outside
        self.containerd = self.kubelet = self.proxy = None
        for d in ("log", "lib/weft", "lib/cni/net.d", "sysctl"):
            os.makedirs(f"{self.dir}/{d}", exist_ok=True)
        for name, value in SYSCTLS.items():
            self._write(f"sysctl/{name.replace('/', '_')}", f"{value}\n")
        self.init = self._boot()

    def _write(self, name, text):
        path = f"{self.dir}/{name}"
        with open(path, "w") as f:
            f.write(text)
        return path

    def _boot(self):
        """Start its first process; returns that one's pid."""
        env = {"LAB": self.lab.dir, "DIR": self.dir, "SYSCTLS": " ".join(SYSCTLS),
               "PAUSE": compile_pause(self.lab.dir)}
        boot = self.ns.spawn("unshare", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc",
                             "sh", "-c", MOUNTS, log="machine.out", env=env)

        def first():
            assert boot.alive(), boot.text()
            with open(f"/proc/{boot.pid}/task/{boot.pid}/children") as f:
                pid = int(f.read())
            exe = os.readlink(f"/proc/{pid}/exe")
            return exe.endswith("/pause") and pid or No(exe)
        try:
            return wait_until(first, 10, f"{self.name} has booted")
        except AssertionError as e:
            raise AssertionError(f"{e}\n{boot.text()}") from None

    def inside(self, *argv):
        """The words that run argv on the machine."""
        return ["nsenter", "--target", self.init, "--pid", "--mount", "--wd=/", *argv]

    def spawn(self, *argv, log, env=None):
        return self.ns.spawn(*self.inside(*argv), log=log, env=env)

    def run(self, *argv, **kw):
        return self.ns.run(*self.inside(*argv), **kw)

    def end(self, proc, sig=signal.SIGKILL):
        """Signal what spawn() started (behind nsenter) and wait for its end."""
        with open(f"/proc/{proc.pid}/task/{proc.pid}/children") as f:
            for pid in f.read().split():
                os.kill(int(pid), sig)
        wait_until(lambda: not proc.alive(), 10, f"{proc.log}: it ends")

    # -- containerd ----------------------------------------------------------------------

    def runtime_env(self):
        root = copy_of("containerd")
        return {"PATH": f"{root}/usr/bin:{root}/usr/sbin:{os.environ['PATH']}:/usr/sbin:/sbin"}

    def start_containerd(self):
        conf = self._write("containerd.toml", CONTAINERD.format(
            dir=self.dir, base=BASE, plugins=PLUGINS, cni=self.cni))
        self.containerd = self.spawn("containerd", "-c", conf, log="containerd.log", env=self.runtime_env())

    def load_image(self):
        wait_until(lambda: self.ctr("version", check=False).returncode == 0, 20, f"{self.name}: containerd answers")
        self.ctr("images", "import", make_image(self.lab.dir))

    def ctr(self, *words, **kw):
        return self.run("ctr", "-a", f"{self.dir}/containerd.sock", "-n", "k8s.io", *words,
                        env=self.runtime_env(), **kw)

    # -- kubelet and kube-proxy ------------------------------------------------------------

    def start_kubelet(self, kube, address, taints=()):
        """Register as a Node and run its pods. address: IPv4[,IPv6] of the node."""
        user = f"/O=system:nodes/CN=system:node:{self.name}"
        config = {"kind": "KubeletConfiguration", "apiVersion": "kubelet.config.k8s.io/v1beta1",
                  "cgroupsPerQOS": False, "enforceNodeAllocatable": [], "cgroupDriver": "cgroupfs",
                  "failSwapOn": False, "evictionHard": {"memory.available": "0%"},
                  "imageGCHighThresholdPercent": 100, "clusterDNS": [DNS], "clusterDomain": "cluster.local",
                  "resolvConf": self._write("resolv.conf", ""), "featureGates": {"IPv6DualStack": True},
                  "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True},
                                     "x509": {"clientCAFile": kube.authority.cert}},
                  "authorization": {"mode": "Webhook"}, "staticPodPath": "", "fileCheckFrequency": "1s",
                  "syncFrequency": "5s", "serializeImagePulls": False, "maxPods": 50,
                  "registryPullQPS": 0, "eventRecordQPS": 0}
        cert, key = kube.authority.issue(f"kubelet-{self.name}", f"/CN={self.name}", "serverAuth",
                                         [f"IP:{a}" for a in address.split(",")] + [f"DNS:{self.name}"])
        config.update(tlsCertFile=cert, tlsPrivateKeyFile=key)
        if taints:
            taints = ["--register-with-taints=" + ",".join(taints)]
        self.kubelet = self.spawn(
            program("kubelet"), f"--config={self._write('kubelet.json', json.dumps(config))}",
            f"--kubeconfig={kube.kubeconfig('node-' + self.name, user)}", "--container-runtime=remote",
            f"--container-runtime-endpoint=unix://{self.dir}/containerd.sock", f"--root-dir={self.dir}/kubelet",
            f"--cert-dir={self.dir}/kubelet/pki", f"--hostname-override={self.name}", f"--node-ip={address}",
            "--network-plugin=cni", f"--cni-conf-dir={self.cni}", f"--cni-bin-dir={PLUGINS}", *taints,
            log="kubelet.log", env=self.runtime_env())

    def start_proxy(self, kube, cluster_cidrs):
        self.proxy = self.spawn(
            program("kube-proxy"), f"--kubeconfig={kube.kubeconfig('proxy', '/CN=system:kube-proxy')}",
            "--proxy-mode=iptables", f"--cluster-cidr={','.join(cluster_cidrs)}",
            f"--hostname-override={self.name}", f"--feature-gates={GATES}", "--conntrack-max-per-core=0",
            "--conntrack-tcp-timeout-established=0", "--conntrack-tcp-timeout-close-wait=0",
            "--iptables-min-sync-period=0", log="kube-proxy.log")

    # -- its pods -----------------------------------------------------------------------------

    def sandboxes(self):
        """{(namespace, name): network namespace's path} of its pods that have one."""
        found = {}
        for path in glob.glob(f"{self.dir}/containerd/state/io.containerd.runtime.v2.task/k8s.io/*/config.json"):
            with open(path) as f:
                spec = json.load(f)
            notes = spec.get("annotations", {})
            net = [n["path"] for n in spec["linux"]["namespaces"] if n["type"] == "network" and "path" in n]
            if notes.get("io.kubernetes.cri.container-type") == "sandbox" and net:
                key = notes["io.kubernetes.cri.sandbox-namespace"], notes["io.kubernetes.cri.sandbox-name"]
                found[key] = net[0].replace("/var/run/", "/run/", 1)
        return found

    def pod_ns(self, name, namespace="default", alias=None):
        """A pod's network namespace, for captures and pings from it."""
        path = wait_until(lambda: self.sandboxes().get((namespace, name)), 20, f"{name} has a sandbox")
        return self.lab.borrow(alias or name, f"/proc/{self.init}/root{path}")
