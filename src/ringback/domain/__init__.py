"""Floor 0: what decides. Pure functions and values; no I/O, no clock, no randomness."""
