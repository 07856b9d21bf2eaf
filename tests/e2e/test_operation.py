"""Reload, mistakes in the file, metrics and health: what an operator touches."""

import copy
import socket

import pytest

from fabric.peers import Bird, networks
from fabric.topo import TwoTors
from fabric.wait import wait_until
from fabric.weft import peer

NETS = networks(1, 4)


def write(weft, change):
    """Write a changed copy of the configuration; returns it."""
    c = copy.deepcopy(weft.config)
    change(c)
    weft.write_config(c)
    return c


@pytest.mark.slice
def test_good_reload(lab):
    """A peer is added and one described: the sessions that are up stay up."""
    t = TwoTors(lab, NETS, kinds=(Bird, Bird)).start()
    before = t.weft.peers()

    def change(c):
        c["peers"].append(peer("new", "10.9.2.77", 65077))
        c["peers"][0]["description"] = "uplink"
    write(t.weft, change)
    t.weft.weft("reload")
    wait_until(lambda: "new" in t.weft.peers(), 5, "the new peer is there")
    after = t.weft.peers()
    for name in t.names:
        assert after[name]["state"] == "Established"
        assert after[name]["established_count"] == before[name]["established_count"]
        assert after[name]["uptime_s"] >= before[name]["uptime_s"]
    assert after["tor1"]["description"] == "uplink"


def test_events_are_followed_past_a_restart(lab):
    """`weft events -w` goes on with the agent's next life."""
    t = TwoTors(lab, [], kinds=(Bird, Bird)).start()
    ps = [t.node.spawn(f"{t.weft.build}/ctl/weft", "--run-dir", t.weft.run_dir, "events", "-w",
                       "-o", form, log=f"events-{form}.out") for form in ("table", "json")]
    for p in ps:
        wait_until(lambda: p.text().count("peer-up") == 2, 5, "both sessions are reported")
    t.weft.kill("weft-agent")
    for p in ps:
        wait_until(lambda: p.text().count("peer-up") == 4, 30, "and again after the restart")
        assert p.alive()
    assert ps[0].text().count("LEVEL") == 1 and "was lost" in ps[0].text()


def test_place_of_routes_changes_live(lab):
    """Table, metric and protocol are changed by a reload: all routes move, none is left behind."""
    t = TwoTors(lab, NETS, kinds=(Bird, Bird)).start()
    t.wait_installed(NETS)
    before = len(t.weft.kernel_routes(4)), len(t.weft.kernel_routes(6))
    taken = next(n for n in NETS if ":" not in n)
    t.node.ip("route", "add", taken, "via", t.links[1][1][0], "table", 100, "metric", 33,
              "proto", "static")
    write(t.weft, lambda c: c["kernel"].update(table=100, metric=33, protocol=213))
    assert "restart" not in t.weft.weft("reload")
    wait_until(lambda: [d["prefix"] for d in t.weft.fib("--diff")] == [taken], 5,
               "only the foreign route's place is not ours")
    t.node.ip("route", "del", taken, "table", 100, "proto", "static")
    t.weft.wait_synced()
    for family, n in zip((4, 6), before):
        assert not t.weft.kernel_routes(family)
        moved = t.weft.kernel_routes(family, 213)
        assert len(moved) == n and {r["table"] for r in moved} == {"100"}
    assert not [h for h in t.node.ipj("nexthop", "show") if h["protocol"] != "213"]


@pytest.mark.slice
def test_bad_reload(lab):
    """A file with mistakes changes nothing; each mistake has its place and what was wanted."""
    t = TwoTors(lab, NETS, kinds=(Bird, Bird)).start()
    t.wait_installed(NETS)
    before = {n: p["established_count"] for n, p in t.weft.peers().items()}

    def change(c):
        c["bgp"]["asNumber"] = "many"
        c["peers"][0]["peerIPP"] = "10.9.1.2"
    good = t.weft.config
    write(t.weft, change)
    p = t.weft.weft("reload", check=False)
    said = p.stdout + p.stderr
    assert p.returncode == 2 and "asNumber" in said and "did you mean" in said, said
    assert not said.endswith("\n\n"), said
    assert f"{t.weft.file}:" in said or "weft.yaml:" in said, said
    checked = t.weft.weft("check", t.weft.file, check=False)
    assert checked.returncode == 2
    after = {n: p["established_count"] for n, p in t.weft.peers().items()}
    assert after == before
    assert t.weft.status()["config"]["last_error"]
    why = [e["text"] for e in t.weft.json("events")["events"] if e["event"] == "config-error"]
    assert why and all(w.startswith('why="') and w.count('"') == 2 for w in why), why
    t.weft.write_config(good)
    t.weft.weft("reload")
    t.weft.wait_synced()
    assert {n: p["established_count"] for n, p in t.weft.peers().items()} == before


def http(ns, path, port=9179):
    """(status, body) of a GET on loopback inside a namespace."""
    with ns.entered():
        s = socket.create_connection(("127.0.0.1", port), timeout=5)
    with s:
        s.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        data = b""
        while more := s.recv(65536):
            data += more
    head, _, body = data.partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode()


@pytest.mark.slice
def test_health_and_metrics(lab):
    """/livez, /readyz and at least ten metrics on loopback."""
    t = TwoTors(lab, NETS, kinds=(Bird, Bird)).start()
    t.wait_installed(NETS)
    assert http(t.node, "/livez")[0] == 200
    wait_until(lambda: http(t.node, "/readyz")[0] == 200, 5, "ready")
    status, body = http(t.node, "/metrics")
    names = {line.split("{")[0].split()[0] for line in body.splitlines()
             if line and not line.startswith("#")}
    assert status == 200 and len(names) >= 10, names
    for tor in t.tors:
        tor.stop()
    wait_until(lambda: http(t.node, "/readyz")[0] != 200, 10, "not ready without a session")
    assert http(t.node, "/livez")[0] == 200
