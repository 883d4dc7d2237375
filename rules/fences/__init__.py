"""Areas and virtual lines."""
