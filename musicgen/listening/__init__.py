"""Pieces -> files."""
