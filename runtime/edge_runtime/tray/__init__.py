"""Films that come into a folder, each answered once."""
