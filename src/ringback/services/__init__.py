"""Floor 3: what the program does, assembled from values (floor 0) and edges (floors 1-2)."""
