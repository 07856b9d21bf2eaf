# The interoperability matrix: features against five other makers' daemons.
EXTRA_DIST += \
	tests/e2e/test_interop.py \
	tests/interop/bench.py \
	tests/interop/daemons.py \
	tests/interop/features.py \
	tests/interop/matrix.py \
	tests/interop/probe.py \
	tests/interop/run.py \
	tests/interop/scenarios.py

# Needs root and the daemons' private copies; writes its table into doc/standards.md.
.PHONY: interop
interop: all
	cd $(srcdir) && WEFT_BUILD=$(abs_builddir) /usr/bin/python3 tests/interop/run.py \
		--write doc/standards.md $(INTEROP)
