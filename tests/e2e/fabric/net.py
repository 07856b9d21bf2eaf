"""Network namespaces, veth links and processes of one run, and their certain end.

A Lab owns everything one run makes: namespaces called PREFIX + name, a directory
for configuration, logs and sockets, and every process inside. Nothing outlives a
run: close() kills whatever lives in the namespaces and deletes them; a reaper
process does the same when this process dies without close(); and a new run sweeps
what dead runs left (a run holds a flock on its lock file as long as it lives).
Needs root. Host interfaces, addresses, routes and sysctls are never touched.
"""

import contextlib
import ctypes
import fcntl
import glob
import json
import os
import shutil
import signal
import subprocess
import sys

from .wait import wait_until

NETNS_DIR = "/run/netns"
RUNS_DIR = "/run/weft-e2e"
CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


def _sys(ret):
    if ret != 0:
        err = ctypes.get_errno()
        raise OSError(err, os.strerror(err))


def pids_inside(netns_names):
    """Pids of all processes that live in the named network namespaces."""
    inodes = set()
    for name in netns_names:
        with contextlib.suppress(OSError):
            st = os.stat(f"{NETNS_DIR}/{name}")
            inodes.add((st.st_dev, st.st_ino))
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            st = os.stat(f"/proc/{pid}/ns/net")
            if (st.st_dev, st.st_ino) in inodes and int(pid) != os.getpid():
                found.append(int(pid))
    return found


def remove_namespaces(names):
    """Kill everything inside the named namespaces, wait for its end, delete them."""
    def emptied():
        left = pids_inside(names)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not left

    if names:
        wait_until(emptied, 10, f"processes in {names} are gone")
    for name in names:
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def namespaces(prefix):
    """Names of the existing namespaces that start with prefix."""
    return sorted(os.path.basename(p) for p in glob.glob(f"{NETNS_DIR}/{prefix}*"))


def remove_cgroups(directory):
    """Remove the control groups of containers that machines below directory ran (machine.py)."""
    pattern = f"{directory}/*/containerd/state/io.containerd.runtime.v2.task/k8s.io/*"
    above = [*glob.glob("/sys/fs/cgroup/*/k8s.io"), *glob.glob("/sys/fs/cgroup/k8s.io")]
    groups = [f"{a}/{os.path.basename(c)}" for c in glob.glob(pattern) for a in above]
    for group in groups + (above if groups else []):
        with contextlib.suppress(OSError):      # not in this hierarchy, or others' are there
            os.rmdir(group)


def remove_directory(directory):
    """Remove a run's files, and what containers that are described there left."""
    remove_cgroups(directory)
    shutil.rmtree(directory, ignore_errors=True)


def sweep_dead_runs():
    """Remove what runs left that were killed together with their reaper."""
    for lock in glob.glob(f"{RUNS_DIR}/*.lock"):
        with open(lock, "a") as f:
            try:
                fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue                        # that run lives
            run = lock[:-len(".lock")]
            remove_namespaces(namespaces(f"we{os.path.basename(run)}-"))
            remove_directory(run)
            with contextlib.suppress(FileNotFoundError):    # another run has swept, too
                os.unlink(lock)


def die_with_us():
    """For subprocess.Popen(preexec_fn=...): the child ends with this process."""
    _sys(_libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))


class Proc:
    """A process in a namespace; its output is in the file .log when it has one."""

    def __init__(self, popen, log):
        self.popen, self.log, self.pid = popen, log, popen.pid

    def alive(self):
        return self.popen.poll() is None

    def kill(self, sig=signal.SIGKILL, deadline_s=10):
        """Send sig and wait for the end; SIGKILL when it takes too long."""
        if self.alive():
            self.popen.send_signal(sig)
            try:
                self.popen.wait(deadline_s)
            except subprocess.TimeoutExpired:
                self.popen.kill()
        return self.popen.wait()

    def text(self):
        with open(self.log, errors="replace") as f:
            return f.read()


class Ns:
    """One network namespace: a node, a router, a pod or a host."""

    def __init__(self, lab, name):
        self.lab, self.name, self.full = lab, name, lab.prefix + name
        self.path = f"{NETNS_DIR}/{self.full}"
        self.dir = f"{lab.dir}/{name}"
        os.makedirs(self.dir, exist_ok=True)

    # -- processes -----------------------------------------------------------

    def _child_setup(self, binds, deathsig):
        """What the child does between fork and exec: enter, bind files, die with us."""
        path = self.path

        def setup():
            fd = os.open(path, os.O_RDONLY)
            _sys(_libc.setns(fd, CLONE_NEWNET))
            os.close(fd)
            if binds:
                _sys(_libc.unshare(CLONE_NEWNS))
                _sys(_libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None))
                for src, dst in binds:
                    _sys(_libc.mount(src.encode(), dst.encode(), None, MS_BIND | MS_REC, None))
            if deathsig:
                _sys(_libc.prctl(PR_SET_PDEATHSIG, deathsig, 0, 0, 0))
        return setup

    def child_setup(self):
        """For subprocess.Popen(preexec_fn=...): the child lives here, and ends with us."""
        return self._child_setup((), self.lab.deathsig)

    def run(self, *argv, check=True, stdin=None, env=None, timeout=60, binds=()):
        """Run a command to its end; returns its standard output as text.

        With check, a non-zero exit is an AssertionError that shows its output.
        """
        p = subprocess.run([str(a) for a in argv], input=stdin, text=True, timeout=timeout,
                           capture_output=True, env=env and {**os.environ, **env},
                           preexec_fn=self._child_setup(binds, 0))
        if check:
            assert p.returncode == 0, \
                f"{self.name}: {' '.join(map(str, argv))}: exit {p.returncode}\n{p.stdout}{p.stderr}"
            return p.stdout
        return p

    def spawn(self, *argv, log=None, env=None, binds=(), stdin=subprocess.DEVNULL, cwd=None):
        """Start a command that goes on; its output goes to the file log in our folder."""
        log = f"{self.dir}/{log or os.path.basename(str(argv[0])) + '.out'}"
        with open(log, "ab") as out:
            p = subprocess.Popen([str(a) for a in argv], stdin=stdin, stdout=out,
                                 stderr=subprocess.STDOUT, cwd=cwd, start_new_session=True,
                                 env=env and {**os.environ, **env},
                                 preexec_fn=self._child_setup(binds, self.lab.deathsig))
        proc = Proc(p, log)
        self.lab.procs.append(proc)
        return proc

    @contextlib.contextmanager
    def entered(self):
        """Sockets made inside this block belong to the namespace (this thread only)."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(self.path, os.O_RDONLY)
        try:
            _sys(_libc.setns(there, CLONE_NEWNET))
            yield self
        finally:
            _sys(_libc.setns(home, CLONE_NEWNET))
            os.close(home)
            os.close(there)

    # -- interfaces, addresses, routes ----------------------------------------

    def ip(self, *args, check=True):
        """`ip ARGS` in this namespace; returns its output."""
        p = subprocess.run(["ip", "-n", self.full, *map(str, args)], text=True,
                           capture_output=True)
        assert p.returncode == 0 or not check, \
            f"{self.name}: ip {' '.join(map(str, args))}: {p.stderr.strip()}"
        return p.stdout

    def ipj(self, *args):
        """`ip -j ARGS` decoded."""
        return json.loads(self.ip("-j", "-d", *args) or "[]")

    def batch(self, lines):
        """Many ip commands in one process (`ip -batch`)."""
        self.run("ip", "-batch", "-", stdin="\n".join(lines) + "\n")

    def addr(self, dev, *addrs):
        """Give addresses (with prefix length) to dev and bring it up."""
        for a in addrs:
            self.ip("addr", "add", a, "dev", dev, *(["nodad"] if ":" in a else []))
        self.ip("link", "set", dev, "up")

    def sysctl(self, **values):
        """Set network sysctls of this namespace only: net_ipv4_ip_forward=1 and so on."""
        with self.entered():
            for key, value in values.items():
                with open("/proc/sys/" + key.replace("__", "/"), "w") as f:
                    f.write(str(value))

    def routes(self, *args, family=4):
        """Kernel routes as `ip -j route show ARGS` gives them."""
        return self.ipj(f"-{family}", "route", "show", *args)

    def wait_port(self, port, deadline_s=15, proto="-tln"):
        """Until something listens on the port here."""
        wait_until(lambda: self.run("ss", "-H", proto, f"sport = :{port}"), deadline_s,
                   f"{self.name} listens on port {port}")


class Lab:
    """All namespaces, links, files and processes of one run (a context manager).

    keep: it outlives this process (quickstart), and somebody else removes it.
    name: tells apart several Labs that a process has at the same time.
    """

    def __init__(self, prefix=None, directory=None, keep=False, name=""):
        self.run_id = f"{os.getpid()}{name}"
        self.prefix = prefix or f"we{self.run_id}-"
        self.dir = directory or f"{RUNS_DIR}/{self.run_id}"
        self.nodes, self.procs, self._ifindex = {}, [], 10
        self.crashes_expected = False   # a test that makes weft crash says so
        self.deathsig = 0 if keep else signal.SIGKILL
        self._reaper = self._lock = None
        if not keep:
            self._guard()
        os.makedirs(self.dir, mode=0o755, exist_ok=True)

    def _guard(self):
        """Take the run's lock and start the process that cleans up after a crash."""
        sweep_dead_runs()
        os.makedirs(RUNS_DIR, mode=0o755, exist_ok=True)
        self._lock = open(f"{RUNS_DIR}/{self.run_id}.lock", "a")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._reaper = subprocess.Popen(
            [sys.executable, "-m", "fabric.reaper", self.prefix, self.dir, self._lock.name],
            cwd=os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
            stdin=subprocess.PIPE, start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def ns(self, name, router=True, dad=False):
        """A new namespace with lo up; a router forwards, everybody hashes flows by port."""
        node = Ns(self, name)
        subprocess.run(["ip", "netns", "add", node.full], check=True)
        self.nodes[name] = node
        node.ip("link", "set", "lo", "up")
        fwd = int(router)
        node.sysctl(net__ipv4__ip_forward=fwd, net__ipv6__conf__all__forwarding=fwd,
                    net__ipv6__conf__default__accept_ra=0,
                    net__ipv4__fib_multipath_hash_policy=1, net__ipv6__fib_multipath_hash_policy=1)
        if not dad:
            node.sysctl(net__ipv6__conf__all__accept_dad=0, net__ipv6__conf__default__accept_dad=0)
        return node

    def borrow(self, name, path):
        """A namespace that somebody else made, a pod's, under a name of ours; gone with the others."""
        node = Ns(self, name)
        with open(node.path, "x"):
            pass
        _sys(_libc.mount(path.encode(), node.path.encode(), None, MS_BIND, None))
        self.nodes[name] = node
        return node

    def link(self, a, if_a, b, if_b, addrs_a=(), addrs_b=()):
        """A veth between two namespaces; ends never share an ifindex (facts: linkwatch)."""
        self._ifindex += 2
        a.ip("link", "add", if_a, "index", self._ifindex, "type", "veth",
             "peer", "name", if_b, "index", self._ifindex + 1, "netns", b.full)
        a.addr(if_a, *addrs_a)
        b.addr(if_b, *addrs_b)

    def remove(self, *nodes):
        """Remove some namespaces with everything in them."""
        remove_namespaces([n.full for n in nodes])
        for n in nodes:
            self.nodes.pop(n.name, None)

    def close(self):
        """Remove everything of this run. Idempotent."""
        remove_namespaces(namespaces(self.prefix))
        for p in self.procs:
            p.popen.poll()
        self.nodes.clear()
        if self._reaper:
            if not os.environ.get("WEFT_KEEP_LOGS"):
                remove_directory(self.dir)
            self._reaper.stdin.close()
            self._reaper.wait(20)
            self._reaper = None
            with contextlib.suppress(OSError):
                os.rmdir(RUNS_DIR)              # unless another run lives
