"""The two commands and the harness itself keep the host as it was."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from fabric.net import namespaces
from fabric.wait import wait_until
from fabric.weft import TOP

HERE = os.path.dirname(os.path.abspath(__file__))


def host_state():
    """What must not change on the host: interfaces, routes, rules, sysctls of its network."""
    commands = (["ip", "-o", "addr"], ["ip", "-4", "route", "show", "table", "all"],
                ["ip", "nexthop"], ["ip", "rule"], ["iptables-save"],
                ["sysctl", "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"],
                ["sh", "-c", "cat /etc/passwd /etc/group; ls /etc /var/lib; ls /run | grep -v weft"])
    # without the counters and lifetimes that move by themselves
    return [subprocess.run(["sh", "-c", '"$@" | grep -v "^[#:]" | sed "s/valid_lft.*//"', "-", *c],
                           capture_output=True, text=True, check=False).stdout for c in commands]


CHILD = """
import sys, time
sys.path.insert(0, {here!r})
from fabric.net import Lab
lab = Lab()
a, b = lab.ns("a"), lab.ns("b")
lab.link(a, "eth0", b, "eth0", ["10.0.0.1/24"], ["10.0.0.2/24"])
p = a.spawn("sleep", "600")
print(lab.prefix, p.pid, flush=True)
sys.stdin.read()
"""


def test_nothing_outlives_a_killed_run():
    """kill -9 of a run: its namespaces and processes go within seconds."""
    child = subprocess.Popen([sys.executable, "-c", CHILD.format(here=HERE)], text=True,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    prefix, pid = child.stdout.readline().split()
    assert len(namespaces(prefix)) == 2 and os.path.exists(f"/proc/{pid}")
    child.send_signal(signal.SIGKILL)
    child.wait()
    wait_until(lambda: not namespaces(prefix) and not os.path.exists(f"/proc/{pid}"), 15,
               "namespaces and processes are gone")


@pytest.mark.slow
def test_quickstart_twice(figure):
    """Up, up again, down: all verdicts good, the host unchanged, nothing left."""
    assert not namespaces("weft-"), "a quickstart is running; take it down first"
    before = host_state()
    for _ in range(2):
        p = subprocess.run([f"{TOP}/quickstart"], capture_output=True, text=True, timeout=240,
                           check=False)
        assert p.returncode == 0, p.stdout[-6000:] + p.stderr[-3000:]
        assert "FAILED" not in p.stdout
        assert p.stdout.count("ok: bare IPv4") == p.stdout.count("ok: bare IPv6") == 7
    figure(next(x for x in reversed(p.stdout.splitlines()) if x.startswith("[")))
    assert host_state() == before
    subprocess.run([f"{TOP}/quickstart", "down"], check=True, timeout=60)
    assert not namespaces("weft-") and not os.path.exists("/run/weft-quickstart")
    assert host_state() == before


@pytest.mark.slow
def test_quickstart_interrupted():
    """Ctrl-C amid the start: one sentence, and nothing is left."""
    assert not namespaces("weft-"), "a quickstart is running; take it down first"
    p = subprocess.Popen([f"{TOP}/quickstart"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True, start_new_session=True)
    for line in p.stdout:
        if "starting weft" in line:
            os.killpg(p.pid, signal.SIGINT)
    said = p.stderr.read()
    assert p.wait(30) != 0
    wait_until(lambda: not namespaces("weft-") and not os.path.exists("/run/weft-quickstart"), 20,
               "everything is removed")
    assert "interrupted" in said and "Traceback" not in said, said


def test_without_root(tmp_path):
    """Without root both commands say what is missing and exit with 2."""
    os.makedirs(f"{tmp_path}/tests")
    for name in ("quickstart", "run-tests", "tests/deps.sh"):   # where nobody may read them
        shutil.copy(f"{TOP}/{name}", f"{tmp_path}/{name}")
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        os.chmod(folder, 0o755)
    for command in ("quickstart", "run-tests"):
        p = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                            f"{tmp_path}/{command}"], capture_output=True, text=True, check=False)
        assert p.returncode == 2 and "root" in p.stderr, p.stderr
