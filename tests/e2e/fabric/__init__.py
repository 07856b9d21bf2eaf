"""Fabrics in network namespaces for weft's end-to-end tests and quickstart."""
