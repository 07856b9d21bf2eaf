"""Packets through the fabric and what became of them: captures, pings, flows."""

import collections
import ipaddress
import json
import os
import signal
import socket
import struct
import subprocess

from .wait import wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
ETH_IP = {0x0800: "IPv4", 0x86dd: "IPv6"}
PROTO = {1: "icmp", 58: "icmp6", 17: "udp", 6: "tcp"}

# One captured packet; ether is the frame's type, proto what the IP header carries.
Packet = collections.namedtuple("Packet", "time ether src dst proto sport dport ttl")


def decode_frame(t, frame):
    """The outermost IP header of an Ethernet frame, or None when it is not IP."""
    ether = struct.unpack_from("!H", frame, 12)[0]
    ip = frame[14:]
    if ether == 0x0800 and len(ip) >= 20:
        head, proto, ttl = (ip[0] & 15) * 4, ip[9], ip[8]
        src, dst = ip[12:16], ip[16:20]
    elif ether == 0x86dd and len(ip) >= 40:
        head, proto, ttl = 40, ip[6], ip[7]
        src, dst = ip[8:24], ip[24:40]
    else:
        return None
    sport = dport = 0
    if proto in (6, 17) and len(ip) >= head + 4:
        sport, dport = struct.unpack_from("!HH", ip, head)
    return Packet(t, ETH_IP[ether], str(ipaddress.ip_address(src)), str(ipaddress.ip_address(dst)),
                  PROTO.get(proto, str(proto)), sport, dport, ttl)


def read_pcap(path):
    """Packets of a classic pcap file (Ethernet), as far as it is written."""
    with open(path, "rb") as f:
        data = f.read()
    packets, at = [], 24
    while at + 16 <= len(data):
        sec, usec, caplen, _ = struct.unpack_from("<IIII", data, at)
        at += 16
        if at + caplen > len(data):
            break
        p = decode_frame(sec + usec / 1e6, data[at:at + caplen])
        at += caplen
        if p:
            packets.append(p)
    return packets


class Capture:
    """tcpdump on one interface, listening when the constructor returns."""

    count = 0

    def __init__(self, ns, dev, expression="ip or ip6"):
        Capture.count += 1
        base = f"cap{Capture.count}"
        self.path = f"{ns.dir}/{base}.pcap"
        self.proc = ns.spawn("tcpdump", "-i", dev, "-n", "-p", "-U", "-Z", "root", "-s", "256",
                             "--immediate-mode", "-w", self.path, expression, log=base + ".out")
        wait_until(lambda: "listening on" in self.proc.text(), 10, f"tcpdump on {ns.name} {dev}")

    def packets(self):
        """What it has seen so far."""
        return read_pcap(self.path) if os.path.exists(self.path) else []

    def stop(self):
        self.proc.kill(signal.SIGINT)
        return self.packets()


def compile_pinger(directory):
    """Compile pinger.c once per run; returns the program's path."""
    out = f"{directory}/pinger"
    if not os.path.exists(out):
        subprocess.run(["cc", "-O2", "-o", out, f"{HERE}/../pinger.c"], check=True)
    return out


class Pinger:
    """A 1 kHz ping from a namespace; result() ends it.

    result(): {"sent", "received", "lost", "longest_gap_ms", "first_lost", "send_errors"}
    """

    count = 0

    def __init__(self, ns, address, interval_us=1000):
        Pinger.count += 1
        self.proc = ns.spawn(compile_pinger(ns.lab.dir), address, interval_us,
                             log=f"pinger{Pinger.count}.out")

    def result(self):
        self.proc.kill(signal.SIGTERM)
        text = self.proc.text()
        assert text.startswith("{"), f"pinger: {text}"
        return json.loads(text)


def udp_flows(ns, address, n, port=9, first_port=20000):
    """Send one datagram from each of n source ports."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with ns.entered():
        for i in range(n):
            with socket.socket(family, socket.SOCK_DGRAM) as s:
                s.bind(("", first_port + i))
                s.sendto(b"flow", (address, port))


def ping(ns, address, count=1, source=None, timeout_s=2):
    """One or more echo requests; True when all were answered."""
    words = ["-I", source] if source else []
    return ns.run("ping", "-n", "-q", "-c", count, "-i", "0.2", "-W", timeout_s, *words, address,
                  check=False).returncode == 0
