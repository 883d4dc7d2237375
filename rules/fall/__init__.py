"""Falls from a worn accelerometer."""
