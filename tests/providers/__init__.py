"""Tests of floor 1: provider adapters, from recorded bytes to canonical items and back."""
