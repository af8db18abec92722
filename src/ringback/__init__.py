"""Ringback: the open-source event backbone for business messaging."""

__version__ = "0.1.0"
