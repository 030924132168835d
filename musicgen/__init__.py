"""A recurrent network that learns your music and plays it back."""

__version__ = "0.1.0"
