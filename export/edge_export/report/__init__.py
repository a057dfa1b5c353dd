"""What was measured, for people and for machines."""
