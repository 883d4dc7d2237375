"""Rules: readings in, facts out; no I/O, no clock."""
