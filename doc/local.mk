# doc: see doc/architecture.md for the directions between layers.
dist_man_MANS = \
	doc/man/weft.8
