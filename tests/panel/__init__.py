"""Tests of the control panel: its files, and its screens in a real browser."""
