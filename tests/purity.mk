# The cores are held against an allow list of undefined symbols, and all layers to their directions.
TESTS += tests/check-purity tests/check-purity-selftest
EXTRA_DIST += tests/check-purity tests/check-purity-selftest tests/purity.allow
