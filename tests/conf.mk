# tests of layer conf
