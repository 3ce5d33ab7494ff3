"""Predictions from a bundle on this computer, without a server."""

from unlasting.local.model import LocalModel

__all__ = ["LocalModel"]
