"""A slice of the interoperability matrix (make interop runs all of it)."""

import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "interop"))

import matrix  # noqa: E402  (needs the path above)
import run  # noqa: E402

SLICE = ("families", "reflector", "limit-ours")


@pytest.fixture(scope="module")
def results():
    """{(feature, daemon): (state, why)} of a few features with every daemon."""
    features, _ = matrix.load()
    return run.gather(matrix.jobs(features, list(matrix.DAEMONS), SLICE), 4, False)


@pytest.mark.slice
@pytest.mark.parametrize("daemon", list(matrix.DAEMONS))
def test_slice(results, daemon):
    """None of the slice's features fails."""
    for name in SLICE:
        state, why = results[name, daemon]
        assert state != matrix.FAIL, why


def test_table_is_whole():
    """Every feature has a cell for every daemon, and what is absent has a manual and a reason."""
    features, _ = matrix.load()
    assert len(features) >= 60
    for f in features:
        assert set(f.cells) == set(matrix.DAEMONS) and f.rfc and f.asserted
        for c in f.cells.values():
            assert isinstance(c, matrix.Conf) or (c.manual and c.why)
