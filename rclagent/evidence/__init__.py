"""Channels, one module each, and what turns their observations into candidates."""
