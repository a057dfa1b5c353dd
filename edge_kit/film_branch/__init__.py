"""The film branch: what tells a film from what is none."""
