"""What the panel's tests share."""

from .demo_data import shop

__all__ = ["shop"]
