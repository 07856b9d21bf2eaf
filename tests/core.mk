# The cores of bgpd and bfdd on their own: their tests alone, how much of it they run, and whether they notice planted faults.
EXTRA_DIST += tests/tools/mutate.py tests/tools/check-style.py
TESTS += tests/check-style
EXTRA_DIST += tests/check-style

# Every test program of layer bgpd, nothing else; not what end-to-end tests run, nor scripts.
check-core:
	@progs=`sed -n 's/^TESTS += //p' $(srcdir)/tests/bgpd.mk | tr ' ' '\n' | grep -v check-`; \
	$(MAKE) $(AM_MAKEFLAGS) -s $$progs || exit 1; \
	for p in `echo $$progs | tr ' ' '\n' | sort -r`; do : the quick ones first; \
		srcdir=$(srcdir) ./$$p >check-core.log 2>&1 || { echo "FAIL $$p"; cat check-core.log; exit 1; }; \
	done
CLEANFILES += check-core.log

# Needs --enable-coverage and gcovr.
coverage: check-core
	gcovr --root $(top_srcdir) --object-directory . --filter '.*(bgpd|bfdd)/core/.*\.c$$' --print-summary

# Needs python3: 50 faults, one at a time (N=, SEED= to change).
mutate:
	$(top_srcdir)/tests/tools/mutate.py --count $${N:-50} --seed $${SEED:-1}

# gcc -fanalyzer and cppcheck over the whole tree; fails on any finding.
EXTRA_DIST += tests/analyze tests/analyze.cfg
analyze:
	srcdir=$(srcdir) $(srcdir)/tests/analyze

.PHONY: analyze check-core coverage mutate
