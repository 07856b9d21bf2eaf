# etc: see doc/architecture.md for the directions between layers.
