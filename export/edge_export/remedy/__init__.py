"""Remedies: graphs that fail are made again another way, and tried on the same films."""
