"""Statistics: estimates with their intervals, of proportions, areas, pairs and groups of films."""
