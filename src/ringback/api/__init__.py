"""Floor 4: the REST API under /v1, one resource per file."""
