"""MRT dumps and recordings, read by ourselves, by bgpdump and by tshark."""

import os
import signal
import subprocess
import time

import pytest

from fabric import bgp, mrt
from fabric.peers import Bird
from fabric.topo import Pair
from fabric.wait import wait_until
from fabric.weft import BUILD
from test_bmp import P, Q, Site, W, announce, end_of_rib, rss_kb

pytestmark = pytest.mark.patient

COMMUNITY, LARGE = "64512:100", "64512:1:2"


def bgpdump(ns, file):
    """`bgpdump -m` as dicts."""
    text = ns.run("bgpdump", "-m", file)
    keys = ("format", "time", "kind", "peer", "peer_as", "prefix", "as_path", "origin", "next_hop",
            "local_pref", "med", "communities", "atomic", "aggregator")
    return [dict(zip(keys, line.split("|"))) for line in text.splitlines()]


def as_bgpdump(r):
    """What bgpdump should print of one of weft's routes."""
    hop = r["next_hop"] or ("::" if ":" in r["prefix"] else "0.0.0.0")
    return (r["prefix"], r["as_path"] or "", hop, " ".join(r["communities"]), str(r["med"] or 0))


def shown(d):
    return (d["prefix"], d["as_path"], d["next_hop"], " ".join(d["communities"].split()), d["med"])


class Said:
    """A finished command."""

    def __init__(self, ns, weft, *words):
        self.p = weft.weft("mrt", *words, check=False)
        self.out, self.err, self.status = self.p.stdout, self.p.stderr, self.p.returncode


@pytest.mark.slice
def test_dump_is_what_weft_shows(lab):
    """The RIB by weft and by bgpdump: prefixes, next hops, AS paths, communities, all of them."""
    pair = Pair(lab, Bird, ["192.0.2.0/24", "172.16.1.0/24", "fd20:1::/48"])
    pair.weft.config["advertisements"] = [{"type": "PodCIDR", "communities": [COMMUNITY, LARGE],
                                           "med": 7}]
    pair.daemon.start()
    pair.weft.start()
    pair.weft.wait_established()
    wait_until(lambda: {r["prefix"] for r in pair.weft.routes("--accepted")}
               >= {"172.16.1.0/24", "fd20:1::/48"}, 10, "BIRD's routes")
    file = f"{pair.w.dir}/rib.mrt"
    said = Said(pair.w, pair.weft, "rib", file)
    assert said.status == 0 and file in said.out, said.err
    with open(file, "rb") as f:
        peers, paths = mrt.table(f.read())
    mine = [r for r in pair.weft.routes() if not r["rejected"]]
    assert sorted(p.prefix for p in paths) == sorted(r["prefix"] for r in mine)
    assert (pair.other[0], 4200000002) in peers
    got, want = sorted(shown(d) for d in bgpdump(pair.w, file)), sorted(map(as_bgpdump, mine))
    assert got == want
    assert COMMUNITY in pair.w.run("bgpdump", file) and LARGE in pair.w.run("bgpdump", file)
    # standard output is as good as a file
    p = pair.w.run("sh", "-c", f"{BUILD}/ctl/weft --run-dir {pair.weft.run_dir} mrt rib - | cat > {file}.2;"
                   f" bgpdump -m {file}.2", check=False)
    assert p.stdout == pair.w.run("bgpdump", "-m", f"{file}.2") and "records" in p.stderr
    assert sorted(x.split("|", 2)[2] for x in p.stdout.splitlines()) == \
        sorted(x.split("|", 2)[2] for x in pair.w.run("bgpdump", "-m", file).splitlines())


def spawn(site, *words):
    return site.w.spawn(f"{site.weft.build}/ctl/weft", "--run-dir", site.weft.run_dir, "mrt", "record",
                        *words, log="mrt.log")


def read(file):
    with open(file, "rb") as f:
        return list(mrt.session(f.read()))


@pytest.mark.slice
def test_recording(lab):
    """Every message both ways, states, microseconds; of one peer only; ended by a signal."""
    site = Site(lab)
    file, only = f"{site.w.dir}/all.mrt", f"{site.w.dir}/q.mrt"
    both = [spawn(site, file), spawn(site, only, "--peer", "q")]
    wait_until(lambda: sum(e["event"] == "mrt-start" for e in site.weft.events()) == 2, 5, "they run")
    begin = time.time()
    p, q = site.both()
    announce(p, "10.30.1.0/24")
    end_of_rib(p, q)
    wait_until(lambda: site.weft.routes("--accepted"), 5, "the route")
    wait_until(lambda: any(k == bgp.UPDATE and b.endswith(bytes([24, 10, 30, 1]))
                           for k, b in q.take_all()), 5, "q is told")
    p.send(bgp.NOTIFICATION, bytes([6, 4]))
    wait_until(lambda: not site.weft.established("p"), 5, "p is down")
    for proc in both:
        assert proc.kill(signal.SIGINT) == 0, proc.text()
    assert "records" in both[0].text()
    got = read(file)
    assert [r.time for r in got] == sorted(r.time for r in got)
    assert all(begin - 1 < r.time < time.time() + 1 for r in got)
    assert any(r.time % 1 for r in got)
    from_p = [(r.kind, r.body) for r in got if isinstance(r, mrt.Said) and r.peer == P and not r.sent]
    assert from_p[0] == (bgp.OPEN, bgp.open_body(65001, P, hold=0))
    assert from_p[-1] == (bgp.NOTIFICATION, bytes([6, 4]))
    assert (bgp.UPDATE, bgp.end_of_rib("ipv6")) in from_p
    to_q = [(r.kind, r.body) for r in got if isinstance(r, mrt.Said) and r.peer == Q and r.sent]
    assert to_q == q.take_all()
    states = [(r.was, r.now) for r in got if isinstance(r, mrt.State) and r.peer == P]
    assert (5, 6) in states and any(was == 6 for was, _ in states)  # RFC 6396 section 4.4.1
    assert {r.local for r in got if isinstance(r, mrt.Said) and r.peer == P} == {W}
    assert {r.peer for r in read(only)} == {Q}
    assert len(read(only)) == sum(r.peer == Q for r in got)

    said = [r for r in got if isinstance(r, mrt.Said)]
    pcap = mrt.to_pcap(said, f"{file}.pcap")
    assert site.w.run("tshark", "-r", pcap, "-Y", "_ws.malformed") == ""
    kinds = site.w.run("tshark", "-r", pcap, "-Y", "bgp", "-T", "fields", "-e", "bgp.type")
    assert [int(k) for k in kinds.replace(",", "\n").split()] == [r.kind for r in said]
    text = site.w.run("bgpdump", "-m", file)
    assert f"|A|{P}|65001|10.30.1.0/24|65001 64999|IGP|{P}|" in text
    assert f"|STATE|{P}|65001|5|6" in text


def test_for_and_limits(lab):
    """--for ends it; who may not change anything may not record; nonsense is refused."""
    site = Site(lab)
    file = f"{site.w.dir}/x.mrt"
    begin = time.monotonic()
    said = Said(site.w, site.weft, "record", file, "--for", "1s")
    assert said.status == 0 and 1 <= time.monotonic() - begin < 5
    said = Said(site.w, site.weft, "record", f"{site.w.dir}/no/such/folder", "--for", "1s")
    assert said.status == 1 and "No such file or directory" in said.err
    said = Said(site.w, site.weft, "record", file, "--peer", "nobody")
    assert said.status == 1 and "no peer \"nobody\"" in said.err
    assert Said(site.w, site.weft, "rib", file, "--for", "1s").status == 2
    assert Said(site.w, site.weft, "dump", file).status == 2
    nobody = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--groups=" + str(
        os.stat(f"{site.weft.run_dir}/control.sock").st_gid), f"{site.weft.build}/ctl/weft",
        "--run-dir", site.weft.run_dir, "mrt", "rib", "/dev/null"], capture_output=True, text=True)
    assert nobody.returncode in (1, 3) and nobody.stdout == ""


def test_full_disk_and_closed_pipe(lab):
    """The command says what the matter is; weft goes on and says so in an event."""
    site = Site(lab)
    p = site.up(site.p, P, W, 65001)
    for k in range(20):
        announce(p, *[f"10.30.{k}.{n * 4}/30" for n in range(64)])
    wait_until(lambda: site.weft.peer("p")["families"]["ipv4"]["received"] == 1280, 10, "routes")
    said = Said(site.w, site.weft, "rib", "/dev/full")
    assert said.status == 1 and "No space left on device" in said.err
    cut = site.w.spawn("bash", "-c", f"{BUILD}/ctl/weft --run-dir {site.weft.run_dir} mrt record - "
                       "| head -c 10 >/dev/null; exit ${PIPESTATUS[0]}", log="cut.log")

    def ended():
        announce(p, "10.30.200.0/24")
        return not cut.alive()
    wait_until(ended, 10, "the command notices that nobody reads", every_s=0.2)
    assert "cannot write standard output: Broken pipe" in cut.text()
    assert site.weft.established("p")
    proc = spawn(site, f"{site.w.dir}/y.mrt")
    wait_until(lambda: os.path.exists(f"{site.w.dir}/y.mrt"), 5, "it runs")
    proc.kill()
    announce(p, "10.30.200.0/24")
    wait_until(lambda: Said(site.w, site.weft, "record", f"{site.w.dir}/z.mrt", "--for", "1s").status == 0,
               10, "and another one is possible")


@pytest.mark.release     # the memory of a build with sanitizers says nothing
def test_reader_that_stops(lab, figure):
    """Records are lost and counted rather than kept: bgpd does not grow."""
    site = Site(lab)
    p = site.up(site.p, P, W, 65001)
    proc = spawn(site, f"{site.w.dir}/y.mrt")
    wait_until(lambda: os.path.exists(f"{site.w.dir}/y.mrt"), 5, "it runs")
    os.kill(proc.popen.pid, signal.SIGSTOP)
    pid = site.weft.pid("weft-bgpd")
    before = rss_kb(pid)
    block = bgp.update_body([f"10.30.{k // 64}.{k % 64 * 4}/30" for k in range(640)], next_hop=P,
                            as_path=[65001])
    for _ in range(6000):
        assert p.send(bgp.UPDATE, block)
    wait_until(lambda: site.weft.peer("p")["messages"]["in"]["update"] >= 6000, 30, "taken in")
    grown = rss_kb(pid) - before
    os.kill(proc.popen.pid, signal.SIGCONT)
    assert proc.kill(signal.SIGINT) == 1
    assert "missing: the reader was too slow" in proc.text()
    figure(f"bgpd grew by {grown} KB while {6000 * len(block) >> 20} MB were recorded for nobody")
    assert grown < 12288
    assert len(read(f"{site.w.dir}/y.mrt")) > 100       # what is there is whole


def test_next_to_birds(lab):
    """BIRD's dump of the same routes says the same (bgpdump reads both)."""
    nets = ["172.16.1.0/24", "172.16.2.0/24"]
    pair = Pair(lab, Bird, nets)
    pair.daemon.start()
    pair.weft.start()
    pair.weft.wait_established()
    wait_until(lambda: {r["prefix"] for r in pair.weft.routes("--accepted")} >= set(nets), 10, "routes")
    wait_until(lambda: all(pair.daemon.route(x) for x in ("10.244.1.0/24",)), 10, "BIRD has ours")
    mine, birds = f"{pair.w.dir}/w.mrt", f"{pair.p.dir}/b.mrt"
    assert Said(pair.w, pair.weft, "rib", mine).status == 0
    answer = pair.daemon.birdc("mrt", "dump", "table", "master4", "to", f'"{birds}"')
    if not os.path.exists(birds):
        pytest.skip(f"this BIRD writes no MRT: {answer}")
    wait_until(lambda: bgpdump(pair.p, birds), 5, "BIRD's dump")
    theirs = {d["prefix"]: d for d in bgpdump(pair.p, birds)}
    ours = {d["prefix"]: d for d in bgpdump(pair.w, mine)}
    assert theirs["10.244.1.0/24"]["as_path"] == "4200000001"
    assert ours["172.16.1.0/24"]["as_path"] == "4200000002"
    assert set(nets) <= set(ours)
