"""A repository of models that boxes update from, by TUF: made, signed and published here."""
