"""Pages and their API."""
