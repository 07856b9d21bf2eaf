"""One cell of the table: one daemon does one scenario's work once."""

import dataclasses
import json
import os
import select
import signal
import subprocess
import time

import ground
from fabric.net import die_with_us, pids_inside
from fabric.wait import wait_until

GENERATOR = "tests/bench/load/weft-load"
READY_S, END_S = 20, 10
SPARE_S = 20        # a generator that does not end by itself in time is killed so much later
FLOOR = "tests/bench/bench_kernel"


class Failed(Exception):
    """The cell has no figures; the text says why."""


class Late(Failed):
    """The work was not done in time. seconds: how long what is missing was waited for.

    result: the Result so far, with what the daemon had used by then.
    """

    def __init__(self, why, seconds, result):
        super().__init__(why)
        self.seconds, self.result = seconds, result


# What costs a cell its figures, and no other cell: a check, or something that broke on the way.
LOST = (Failed, AssertionError, OSError, subprocess.SubprocessError)


@dataclasses.dataclass
class Result:
    """What a cell gave. values: the generator's RESULT, and what times() made of events.

    usage: {name of a pause: ground.Usage}, in their order.
    """
    values: dict
    usage: dict
    seconds: float


class Generator:
    """weft-load in a namespace, and what it says on its standard output."""

    def __init__(self, ns, build, words):
        self.events, self.result = [], None
        self.log = f"{ns.dir}/generator.log"
        with open(self.log, "ab") as err:
            self.popen = subprocess.Popen(
                [f"{build}/{GENERATOR}", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=err, bufsize=0, start_new_session=True, preexec_fn=ns.child_setup())
        ground.ahead([self.popen.pid])
        self.buf = b""

    def lines(self, deadline):
        """Its lines as they come; Failed when it is silent until the deadline."""
        fd = self.popen.stdout.fileno()
        while True:
            *whole, self.buf = self.buf.split(b"\n")
            yield from (line.decode() for line in whole)
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([fd], [], [], left)[0]:
                raise Failed("the generator was not done in time")
            more = os.read(fd, 65536)
            if not more:
                return
            self.buf += more

    def go_on(self):
        """The pause is over."""
        try:
            self.popen.stdin.write(b"\n")
        except BrokenPipeError:
            raise Failed("the generator has ended early") from None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        """End it if it still runs."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGKILL)
        self.popen.wait()
        self.popen.stdin.close()
        self.popen.stdout.close()

    def said(self):
        """The first line of what it complained about."""
        with open(self.log, errors="replace") as f:
            return f.readline().strip()


def words_of(line):
    """{key: value} of "EVENT name key=value ...", with the name as "event"."""
    _, name, *rest = line.split()
    return {"event": name, **dict(w.split("=", 1) for w in rest if "=" in w)}


class Cell:
    """One daemon in one scenario, in namespaces of its own."""

    def __init__(self, lab, build, scenario, kind, name=""):
        self.lab, self.build, self.scenario, self.kind = lab, build, scenario, kind
        self.name, self.usage, self.events = name, {}, []

    def run(self):
        """The Result; Failed when a check did not pass."""
        began = time.monotonic()
        self.ground = ground.Ground(self.lab, self.scenario.peers, self.name)
        try:
            self.begin(self.kind(self.ground.d, self.scenario.plan()))
            words = self.scenario.words(self.ground.d.full, self.kind.name)
            with Generator(self.ground.g, self.build, words) as generator:
                values = self.watch(generator)
            result = Result(values, self.usage, time.monotonic() - began)
            if "late" in values:
                raise Late(values["why"], values["late"], result)
            return result
        finally:
            self.ground.remove()

    def begin(self, adapter):
        """The daemon at its gate or, where its start is not what is measured, at work."""
        self.daemon = adapter.start()
        ground.ahead([self.daemon.proc.pid])
        if self.scenario.go_at:
            return
        self.went = self.daemon.go()
        try:
            wait_until(lambda: not self.daemon.alive() or adapter.ready(), READY_S,
                       "the daemon is ready")
            assert self.daemon.alive(), "the daemon has ended"
        except AssertionError as e:
            raise Failed(f"{e}; it said: {self.daemon.log()}") from None

    def watch(self, generator):
        """Serve the generator's pauses until its end; its values, right ones or too few in time."""
        values, deadline = None, time.monotonic() + self.scenario.deadline_s + SPARE_S
        try:
            for line in generator.lines(deadline):
                if line.startswith("RESULT "):
                    values = self.result(json.loads(line.removeprefix("RESULT ")))
                elif line.startswith("EVENT "):
                    self.event(generator, words_of(line))
        except Failed as e:
            raise Failed(self.reason(str(e), generator)) from None
        good = generator.popen.wait(END_S) == 0 and values and values["ok"]
        if not good and not (values and "late" in values and self.daemon.alive()):
            raise Failed(self.reason(values["why"] if values else "no result", generator))
        return values | self.scenario.times(self.events, self.went)

    def result(self, values):
        """The generator's RESULT; when it is late, what the daemon has used by now goes with it."""
        if "late" in values:
            self.usage["late"] = ground.usage(self.ground.d)
        return values

    def event(self, generator, event):
        self.events.append(event)
        if event["event"] != "pause":
            return
        ground.ahead(pids_inside([self.ground.d.full]))     # FRR's have sessions of their own
        if event["name"] == self.scenario.go_at:
            self.went = self.daemon.go()
        else:
            self.usage[event["name"]] = ground.usage(self.ground.d)
        generator.go_on()

    def reason(self, why, generator):
        end = "" if self.daemon.alive() else f"; the daemon has ended: {self.daemon.log()}"
        return f"{why} {generator.said()}{end}".strip()


class Floor:
    """The kernel's own limit, as one more daemon: bench_kernel alone in a namespace."""

    name, kernel = "kernel", True


def run(lab, build, scenario, kind):
    """The Result of one cell; Failed without."""
    if kind is Floor:
        return floor(build, scenario)
    return Cell(lab, build, scenario, kind).run()


def floor(build, scenario):
    """What bench_kernel says: it makes a namespace of its own."""
    began = time.monotonic()
    with subprocess.Popen([f"{build}/{FLOOR}", *scenario.floor_words()], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, start_new_session=True,
                          preexec_fn=die_with_us) as p:
        try:
            ground.ahead([p.pid])
            out, err = p.communicate(timeout=scenario.deadline_s)
        finally:
            p.kill()        # nothing when it has ended
    found = [x for x in out.splitlines() if x.startswith("RESULT ")]
    if p.returncode != 0 or not found:
        raise Failed(f"{FLOOR}: exit {p.returncode} {err[-500:].strip()}")
    values = json.loads(found[-1].removeprefix("RESULT "))
    values[scenario.floor[0]] = values["seconds"]
    return Result(values, {}, time.monotonic() - began)
