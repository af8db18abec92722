"""What can go wrong in a benchmark, in words for whoever started it."""


class BenchError(Exception):
    """The figures of a run cannot be used; the text says why."""
