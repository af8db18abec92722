"""The simulation: the engine's own services under a virtual clock, on a model of the store."""
