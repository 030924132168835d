"""Files -> pieces."""
