# etc: see doc/architecture.md for the directions between layers.

# Samples of the configuration, each loaded by make check, and the schema for editors.
examplesdir = $(docdir)/examples
dist_examples_DATA = \
	etc/mesh.yaml \
	etc/reflector.yaml \
	etc/weft.schema.json \
	etc/weft.yaml
