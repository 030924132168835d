"""Piece -> score: how music is written down."""
