"""Readers of file formats, and the store that answers aggregates of what they read."""
