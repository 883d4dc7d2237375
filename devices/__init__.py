"""Devices: what they are, what they send, and how it becomes columns."""
