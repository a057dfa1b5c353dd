"""Memory: how much this machine has, and one budget of it for all films decoded at once."""
