"""Pieces <-> arrays of tokens, and what follows from them."""
