"""The embedded server, tested with real servers in real directories."""
