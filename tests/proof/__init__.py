"""Proof by force: real processes, killed, cut off and stopped, and an oracle that saw it all."""
