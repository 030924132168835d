"""Model -> pieces."""
