"""From films to the folder of a run."""
