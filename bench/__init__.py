"""The benchmarks: what an installation does in a second and what it costs. Not timed tests.

    python -m bench                  everything; writes bench/results/ and docs/performance.md
    python -m bench --quick          every case for a moment: it works, its figures mean nothing
    python -m bench --case B1        one case

docs/performance.md says what is measured and how.
"""
