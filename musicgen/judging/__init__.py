"""Pieces and models -> figures."""
