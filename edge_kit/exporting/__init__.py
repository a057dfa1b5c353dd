"""From a run, or somebody else's model, and a folder of films to a proved bundle."""
