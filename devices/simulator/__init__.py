"""Devices that are played: recordings of people as wearables."""
