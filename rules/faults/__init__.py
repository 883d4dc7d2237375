"""Devices that cannot be trusted now."""
