"""What is kept and read: community files, captures, recordings."""
