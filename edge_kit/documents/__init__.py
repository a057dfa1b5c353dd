"""Documents about a bundle that others ask for, all from what the bundle holds and proves."""
