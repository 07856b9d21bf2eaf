# weft beside other makers' daemons: the same work in the same run (doc/benchmarks.md).
EXTRA_DIST += \
	tests/bench/adapters.py \
	tests/bench/cell.py \
	tests/bench/document.py \
	tests/bench/ground.py \
	tests/bench/growth.py \
	tests/bench/results.py \
	tests/bench/run \
	tests/bench/plan.py \
	tests/bench/survive.py \
	tests/bench/targets.py \
	tests/e2e/test_bench.py

# make bench SCENARIOS="S1 S3" DAEMONS="weft bird" REPEAT=3; BENCH: more options of the runner.
SCENARIOS =
DAEMONS =
REPEAT = 3
BENCH =
BENCH_RUN = cd $(srcdir) && /usr/bin/python3 tests/bench/run --build $(abs_builddir) --repeat $(REPEAT)
BENCH_GROWTH = $(abs_builddir)/bench-growth.json

.PHONY: bench bench-doc bench-growth bench-programs bench-survive
bench-programs: all tests/bench/load/weft-load$(EXEEXT) tests/bench/bench_kernel$(EXEEXT)

# All of these need root; the other daemons' private copies are what ./run-tests fetched.
bench: bench-programs
	$(BENCH_RUN) $(SCENARIOS) --daemons "$(DAEMONS)" --json $(abs_builddir)/bench.json $(BENCH)

# The tables of the last `make bench` and `make bench-growth`, into the document.
bench-doc:
	$(BENCH_RUN) doc --json $(abs_builddir)/bench.json --growth $(BENCH_GROWTH) --write doc/benchmarks.md

bench-growth: bench-programs
	$(BENCH_RUN) growth --daemons "$(DAEMONS)" --growth $(BENCH_GROWTH) $(BENCH)

bench-survive: bench-programs
	$(BENCH_RUN) survive $(BENCH)

# Results outlive make clean: they take long.
CLEANFILES += $(EXTRA_PROGRAMS)
DISTCLEANFILES = bench.json bench-growth.json
