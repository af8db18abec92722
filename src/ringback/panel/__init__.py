"""Floor 4: the control panel, static files that use the public API alone."""
