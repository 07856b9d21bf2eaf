"""Where a cell runs, and what a daemon costs there.

A Ground is two namespaces joined by one veth: d holds the daemon, g the generator with
any number of addresses, which are local there without being configured one by one. d
knows the neighbours beforehand: the neighbour table's limit is the host's.
"""

import contextlib
import dataclasses
import ipaddress
import os
import shutil
import time

from fabric.net import pids_inside

ADDR4, ADDR6 = "10.99.0.1", "fd99::1"
FIRST4, FIRST6 = ipaddress.ip_address("10.99.1.1"), ipaddress.ip_address("fd99::1:1")


def peer_address(i, v6=False):
    """Address of the generator's peer i, from 0."""
    return str((FIRST6 if v6 else FIRST4) + i)


def know(here, dev, there, their_dev, addresses):
    """Neighbours that need not be asked for, and do not count for the table's limit."""
    mac = there.ipj("link", "show", their_dev)[0]["address"]
    here.batch([f"neigh replace {a} lladdr {mac} nud permanent dev {dev}" for a in addresses])


class Ground:
    """The two namespaces of one cell; count: how many peers the generator plays."""

    def __init__(self, lab, count, name=""):
        self.lab, self.names = lab, (f"d{name}", f"g{name}")
        for node in self.names:     # logs of the cell before are not this one's
            shutil.rmtree(f"{lab.dir}/{node}", ignore_errors=True)
        try:
            self._make(count)
        except BaseException:
            self.remove()
            raise

    def _make(self, count):
        lab = self.lab
        self.d, self.g = lab.ns(self.names[0]), lab.ns(self.names[1], router=False)
        lab.link(self.d, "eth0", self.g, "eth0", [f"{ADDR4}/16", f"{ADDR6}/64"])
        self.g.sysctl(net__ipv4__ip_nonlocal_bind=1, net__ipv6__ip_nonlocal_bind=1)
        self.g.batch([*self._local(FIRST4, count), *self._local(FIRST6, count),
                      "route add 10.99.0.0/16 dev eth0 src " + str(FIRST4),
                      "route add fd99::/64 dev eth0"])
        know(self.d, "eth0", self.g, "eth0", [peer_address(i, v) for i in range(count)
                                              for v in (False, True)])
        know(self.g, "eth0", self.d, "eth0", [ADDR4, ADDR6])

    @staticmethod
    def _local(first, count):
        return [f"route add local {net} dev lo"
                for net in ipaddress.summarize_address_range(first, first + count - 1)]

    def remove(self):
        """Kill what runs there and remove the namespaces."""
        self.lab.remove(*(self.lab.nodes[n] for n in self.names if n in self.lab.nodes))
        self.lab.procs.clear()


@dataclasses.dataclass
class Usage:
    """What the processes of a namespace take, summed: seconds of CPU, kilobytes; and when (at)."""
    at: float = 0.0
    cpu_s: float = 0.0
    peak: int = 0           # VmHWM: shared pages count once per process
    private: int = 0        # Private_Clean + Private_Dirty
    pss: int = 0
    anon: int = 0
    processes: int = 0

    def add(self, other):
        for f in dataclasses.fields(self)[1:]:
            setattr(self, f.name, getattr(self, f.name) + getattr(other, f.name))


def ahead(pids):
    """Let sessions with these processes go before all others of the machine, every daemon alike.

    Where the kernel groups processes by session (sched_autogroup), a build elsewhere has as
    much of the machine as what is measured, however nice it is.
    """
    for pid in pids:
        with contextlib.suppress(OSError), open(f"/proc/{pid}/autogroup", "w") as f:
            f.write("-20")


def fields(path):
    """{name: number} of a file of /proc with lines "Name: number kB"."""
    found = {}
    with open(path) as f:
        for line in f:
            name, _, rest = line.partition(":")
            value = rest.split()
            if value and value[0].isdigit():
                found[name] = int(value[0])
    return found


def cpu_seconds(pid):
    """CPU of a process's threads, to the nanosecond; threads that ended are not in it."""
    total = 0
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/schedstat") as f:
                total += int(f.read().split()[0])
    return total / 1e9


def usage_of(pid):
    rollup, status = fields(f"/proc/{pid}/smaps_rollup"), fields(f"/proc/{pid}/status")
    return Usage(0, cpu_seconds(pid), status["VmHWM"],
                 rollup["Private_Clean"] + rollup["Private_Dirty"], rollup["Pss"],
                 rollup["Anonymous"], 1)


def usage(ns):
    """Usage of everything that runs in a namespace."""
    total = Usage(at=time.monotonic())
    for pid in pids_inside([ns.full]):
        with contextlib.suppress(OSError, KeyError):    # it has just ended
            total.add(usage_of(pid))
    return total
