"""Geometry of areas and virtual lines: arrays in, arrays out; imports nothing of ours."""
