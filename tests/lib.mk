# tests of layer lib
