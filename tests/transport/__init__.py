"""Tests of the edges: real sockets on loopback."""
