"""Tests of floor 0: values and pure decisions."""
