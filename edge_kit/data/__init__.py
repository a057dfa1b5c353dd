"""From a folder to labelled, grouped and split films."""
