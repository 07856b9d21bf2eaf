"""TCP MD5 keys (RFC 2385): for ranges, changed under a live session, wrong or missing."""

import errno
import os
import socket

import pytest

from fabric import bgp
from fabric.topo import PEER_AS, PERMIT, PODS, WEFT_AS, timers, wire
from fabric.wait import No, wait_until
from fabric.weft import Weft, config, peer

from test_dynamic import RACK_AS, Net, rack

pytestmark = pytest.mark.patient


def key_file(node, text, name="key"):
    """A password file below the configuration's folder, which weftd may open."""
    path = f"{node.dir}/{name}"
    with open(path, "w") as f:
        f.write(text + "\n")
    os.chmod(path, 0o600)
    return path


class KeyedNet(Net):
    """A Net whose ranges have a password in the file KEY."""

    def __init__(self, lab, peers, password, **kw):
        self.lab, self.password = lab, password
        os.makedirs(f"{lab.dir}/weft", exist_ok=True)
        with open(f"{lab.dir}/weft/key", "w") as f:
            f.write(password)
        super().__init__(lab, peers, **kw)

    def new_password(self, password):
        key_file(self.w, password)
        self.weft.weft("reload")


KEY = {"password": {"file": "key"}}


@pytest.mark.slice
def test_range_with_password(lab):
    """One key for a prefix: who has it comes in, who has none or another one does not."""
    net = KeyedNet(lab, [rack(**KEY), rack("six", ["fd09:1::/64"], **KEY),
                         rack("open", ["10.9.1.4/30"])], "s3cret", hosts=5)
    a, b = net.hosts[:2]
    net.conns.append(bgp.connect(net.p, a, "10.9.1.1", password="s3cret"))
    net.conns[-1].establish(RACK_AS, a)
    six = bgp.connect(net.p, "fd09:1::2", "fd09:1::1", password="s3cret")
    six.establish(RACK_AS, "10.9.1.66")
    for password in ("", "other"):
        with pytest.raises((socket.timeout, TimeoutError)):
            bgp.connect(net.p, b, "10.9.1.1", timeout=1, password=password)
    assert set(net.weft.peers()) == {f"rack/{a}", "six/fd09:1::2"}
    assert net.weft.established(f"rack/{a}")
    # Gone from the configuration: gone from the listener.
    net.weft.config["peers"] = [rack()]
    net.weft.write_config()
    net.weft.weft("reload")
    net.speak(b)
    wait_until(lambda: net.weft.established(f"rack/{b}"), 5, "without a password now")


def passes(net, conn, name, k):
    """A route still gets through the session."""
    conn.send(bgp.UPDATE, bgp.update_body([f"172.20.{k}.0/24"], next_hop=conn.sock.getsockname()[0],
                                          as_path=[RACK_AS]))
    wait_until(lambda: net.weft.received(name)["ipv4"] >= k, 5, f"route {k} on {name} arrives")


def test_password_changes_under_live_sessions(lab):
    """A reload gives sessions the new key as they are: static, dynamic, added, taken away."""
    net = KeyedNet(lab, [rack("rack", ["10.9.1.0/31", "10.9.1.2/32"], **KEY),
                         peer("tor", "10.9.1.4", RACK_AS, passive=True, **KEY),
                         peer("plain", "10.9.1.3", RACK_AS, passive=True)], "one")
    conns = {}
    for name, host, password in (("rack/10.9.1.2", "10.9.1.2", "one"), ("tor", "10.9.1.4", "one"),
                                 ("plain", "10.9.1.3", "")):
        conns[name] = bgp.connect(net.p, host, "10.9.1.1", password=password)
        conns[name].establish(RACK_AS, host, hold=90)
    for name in conns:
        wait_until(lambda: net.weft.established(name), 5, f"{name} is up")
    net.new_password("two")
    for name in ("rack/10.9.1.2", "tor"):
        bgp.set_md5(conns[name].sock, "10.9.1.1", "two")
    for name, conn in conns.items():
        passes(net, conn, name, 1)
    changed = {e["text"].split()[0] for e in net.events("password-changed")}
    assert changed == {"peer=rack/10.9.1.2", "peer=tor"}
    assert all("session=kept" in e["text"] for e in net.events("password-changed"))
    # Taken away from one, given to another.
    net.weft.config["peers"][1].pop("password")
    net.weft.config["peers"][2]["password"] = {"file": "key"}
    net.weft.write_config()
    net.weft.weft("reload")
    bgp.set_md5(conns["tor"].sock, "10.9.1.1", "")
    bgp.set_md5(conns["plain"].sock, "10.9.1.1", "two")
    for name, conn in conns.items():
        passes(net, conn, name, 2)
    for name in conns:
        p = net.weft.peer(name)
        assert p["state"] == "Established" and p["established_count"] == 1, p
    # New connections need the new key.
    with pytest.raises((socket.timeout, TimeoutError)):
        bgp.connect(net.p, "10.9.1.2", "10.9.1.1", timeout=1, password="one")
    bgp.connect(net.p, "10.9.1.2", "10.9.1.1", password="two").close()


def test_password_follows_a_host_between_range_and_peer(lab):
    """A range of one address and a peer have the same key in the kernel: it stays when they swap."""
    host = "10.9.1.2"
    kinds = {f"rack/{host}": rack("rack", [f"{host}/32"], **KEY),
             "tor": peer("tor", host, RACK_AS, passive=True, **KEY)}
    net = KeyedNet(lab, [kinds["tor"]], "s3cret")
    for name in (f"rack/{host}", "tor"):
        net.weft.config["peers"] = [kinds[name]]
        net.weft.write_config()
        net.weft.weft("reload")
        with pytest.raises((socket.timeout, TimeoutError)):
            bgp.connect(net.p, host, "10.9.1.1", timeout=1)
        conn = bgp.connect(net.p, host, "10.9.1.1", password="s3cret")
        conn.establish(RACK_AS, host)
        wait_until(lambda: net.weft.established(name), 5, f"{name} is up with the password")
        conn.close()


def test_two_nodes_change_their_password(lab):
    """weft to weft: both ends reload with a new password, neither session flaps."""
    nodes = [lab.ns("a"), lab.ns("b")]
    mine = wire(lab, nodes[0], "eth0", nodes[1], "eth0", 1)
    wefts = []
    for i, (node, asn, other) in enumerate(zip(nodes, (WEFT_AS, PEER_AS), (PEER_AS, WEFT_AS))):
        key_file(node, "one")
        wefts.append(Weft(node, config(node.name, asn, mine[i], [
            peer("p", mine[1 - i][0], other, timers=timers(), **KEY)], PODS if i == 0 else [],
            PERMIT)).start())
    for w in wefts:
        w.wait_established("p")
    for password in ("two", "three"):
        for node, w in zip(nodes, wefts):
            key_file(node, password)
            w.weft("reload")

    def lasted():
        p = [w.peer("p") for w in wefts]
        return all(x["state"] == "Established" and x["uptime_s"] >= 10 for x in p) or No(p)
    wait_until(lasted, 20, "longer than the hold time")
    assert all(w.peer("p")["established_count"] == 1 for w in wefts)


def has_tcp_ao():
    """Does this kernel know TCP-AO (TCP_AO_INFO)?"""
    with socket.socket() as s:
        try:
            s.getsockopt(socket.IPPROTO_TCP, 40, 64)
        except OSError as e:
            return e.errno != errno.ENOPROTOOPT
    return True


@pytest.mark.skipif(has_tcp_ao(), reason="about kernels without TCP-AO")
def test_tcp_ao_without_a_kernel_for_it(lab):
    """A peer with TCP-AO stays down and says why; the others do not mind."""
    net = KeyedNet(lab, [peer("tor", "10.9.1.4", RACK_AS, tcpAO=["k"]), rack("r", tcpAO=["k"]),
                         peer("plain", "10.9.1.3", RACK_AS, passive=True)], "secret",
                   tcpAOKeys=[{"name": "k", "sendID": 1, "recvID": 2, "file": "key"}])
    assert net.weft.weft("check", net.weft.file, check=False).returncode == 0
    net.speak("10.9.1.3")
    wait_until(lambda: net.weft.established("plain"), 5, "the one without is up")
    why = "tcpAO: this kernel has no TCP-AO (CONFIG_TCP_AO, Linux 6.7 or newer)"
    assert net.weft.peer("tor")["reason"] == why
    assert why in " ".join(net.weft.weft("peer", "tor", check=False).stdout.split())
    late = bgp.connect(net.p, "10.9.1.2", "10.9.1.1")
    assert late.wait(bgp.OPEN, 2) is None and late.closed       # never without authentication
    wait_until(lambda: any(why in e["text"] for e in net.events("connection-refused")), 5, "said")
