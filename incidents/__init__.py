"""Incidents: situations somebody must take on; pure, the time is an argument."""
