"""Ways out to phone networks, one file each."""
