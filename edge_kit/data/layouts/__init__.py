"""Tables and folders in which films are published, read into rows of a manifest.csv."""
