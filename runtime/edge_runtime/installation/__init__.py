"""Models installed on this machine so that no power cut leaves it without one that answers."""
