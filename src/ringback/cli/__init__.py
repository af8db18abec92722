"""Floor 4: the `ringback` command, one command group per file."""
