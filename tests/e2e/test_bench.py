"""A slice of the bench (make bench runs all of it, and times it): every check passes.

The load generator compares each prefix and attribute set that it gets, and each route that
the kernel has, with what it must be.
"""

import os
import sys

import pytest

from fabric.weft import BUILD

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "bench"))

import adapters  # noqa: E402  (needs the path above)
import cell  # noqa: E402
import scenarios  # noqa: E402

pytestmark = [pytest.mark.patient, pytest.mark.release]

SLICE = {
    "S1": {"prefixes": 20_000},
    "S3": {"prefixes": 20_000},
    "S4": {"peers": 50},
    "S5": {"prefixes": 5_000},
    "S5-v6": {"prefixes": 5_000},
    "S6": {"seconds": 1},
    "S8": {"peers": 50},
    "S9": {"rounds": 20},
}


@pytest.mark.parametrize("daemon", ["weft", "bird"])
@pytest.mark.parametrize("name", list(SLICE))
def test_slice(lab, figure, name, daemon):
    """A small run of the scenario: nothing wrong, nothing missing, nothing too much."""
    scenario = scenarios.TABLE[name].changed(**SLICE[name])
    result = cell.run(lab, BUILD, scenario, adapters.ALL[daemon])
    assert result.values["ok"]
    used = list(result.usage.values())[-1]
    assert used.processes > 0 and used.peak > 0
    figure(f"{result.seconds:.1f} s")


@pytest.mark.parametrize("name", ["S1", "S3"])
def test_what_is_wrong_is_found(lab, name):
    """The checks can fail: an octet of what comes in is corrupted, a kernel route overlooked."""
    scenario = scenarios.TABLE[name].changed(prefixes=2_000)
    with pytest.raises(cell.Failed):
        cell.run(lab, BUILD, scenario.changed(**{"expect-wrong": "yes"}), adapters.ALL["weft"])
