"""How the fall detector's weights are made. Nothing here runs in the service."""
