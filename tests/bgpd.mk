# tests of layer bgpd
