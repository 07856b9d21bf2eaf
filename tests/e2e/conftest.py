"""pytest's side of the end-to-end tests: one Lab per test, logs of what failed."""

import os
import re
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from fabric import kube as kubernetes  # noqa: E402  (needs the path above)
from fabric.cluster import Cluster  # noqa: E402
from fabric.net import Lab  # noqa: E402

TAIL = 3000     # characters of each log shown for a failed test
counts = {"passed": 0, "failed": 0}


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: left out by ./run-tests --fast")
    config.addinivalue_line("markers", "patient: waits for others most of the time and measures "
                            "nothing; run beside the rest")
    config.addinivalue_line("markers", "soak: some seconds of ten minutes, which `make soak` runs")
    config.addinivalue_line("markers", "slice: also run with the sanitized build")
    config.addinivalue_line("markers", "kube: with a real Kubernetes (set by the fixtures it uses)")
    config.addinivalue_line("markers", "release: needs the release build (sandbox, footprint)")


def share_of(items):
    """Every nth file of those with tests to run: WEFT_SHARE=K/N, K from 1 to N."""
    k, n = (int(x) for x in os.environ.get("WEFT_SHARE", "1/1").split("/"))
    files = sorted({item.path for item in items})
    return set(files[k - 1::n])


KUBE_FIXTURES = {"kube", "kube_server", "cluster"}


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item):
    if KUBE_FIXTURES & set(item.fixturenames):
        item.add_marker(pytest.mark.kube)


# Last, when the expressions of -m and -k have been applied.
@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    mine = share_of(items)
    items[:] = [item for item in items if item.path in mine]
    if os.environ.get("WEFT_SANITIZED") == "1":
        for item in items:
            if item.get_closest_marker("release"):
                item.add_marker(pytest.mark.skip(reason="about the release build"))


@pytest.fixture
def lab(request):
    """Namespaces, links and processes of one test; all gone when it ends."""
    with Lab() as made:
        request.node.lab = made
        yield made
        assert made.crashes_expected or not (found := crashes(made)), f"weft crashed or a sanitizer spoke: {found}"


@pytest.fixture(scope="session")
def kube_server():
    """A real API server for the whole run, started when the first test wants one."""
    lab, server = kubernetes.start_server()
    yield server
    lab.close()


@pytest.fixture
def kube(kube_server):
    """The API server (fabric/kube.py), running, with nothing in it that tests make."""
    kube_server.wipe()
    yield kube_server
    kube_server.ensure()


@pytest.fixture(scope="module")
def cluster():
    """Three real nodes with weft, pods and Services (fabric/cluster.py), for a file of tests."""
    with Lab(name="cluster") as lab:
        yield Cluster(lab).start_all()


CRASH = re.compile(r"AddressSanitizer|runtime error:|signal[= ](?:4|6|7|8|11|31)\b|Assertion")


def crashes(lab):
    """Lines of weft's logs that no test may cause: sanitizers' reports, fatal signals."""
    found = []
    for path in log_files(lab):
        if os.path.basename(path) == "weftd.log":
            with open(path, errors="replace") as f:
                found += [line.strip() for line in f if CRASH.search(line)]
    return found[:5]


def log_files(lab):
    """Logs of everything that ran in a lab, youngest last."""
    found = {p.log for p in lab.procs}
    for folder, _, files in os.walk(lab.dir):
        found |= {os.path.join(folder, f) for f in files if f.endswith(".log")}
    return sorted((f for f in found if os.path.getsize(f)), key=os.path.getmtime)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    lab = getattr(item, "lab", None)
    if report.when == "call" and report.failed and lab:
        for path in log_files(lab):
            with open(path, errors="replace") as f:
                report.sections.append((os.path.relpath(path, lab.dir), f.read()[-TAIL:]))


def pytest_runtest_logreport(report):
    if report.failed:
        counts["failed"] += 1
    elif report.when == "call" and report.passed:
        counts["passed"] += 1


def pytest_collectreport(report):
    counts["failed"] += report.failed


def pytest_sessionfinish():
    path = os.environ.get("WEFT_COUNTS")
    if path:
        with open(path, "w") as f:
            f.write(f"{counts['passed']} {counts['failed']}\n")


figures = []


@pytest.fixture
def figure(request):
    """figure(text): a measured figure, printed in the run's summary."""
    def note(text):
        figures.append(f"{request.node.name}: {text}")
        print(text)
    return note


def pytest_terminal_summary(terminalreporter):
    if figures:
        terminalreporter.section("figures")
        for line in figures:
            terminalreporter.write_line(line)


@pytest.fixture
def api_server(lab):
    """api_server(ns, address, **how): a running replay.Server; all of them end with the test."""
    from fabric import replay
    made = []

    def make(ns, address, **how):
        made.append(replay.Server(ns, address, **how))
        return made[-1].start()

    yield make
    for server in made:
        server.stop()
