# tests of layer agent
