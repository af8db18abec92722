"""Floor 2: sockets. The outgoing HTTP client with its guard, and the raw hot routes."""
