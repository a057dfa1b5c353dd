"""What a run or a bundle is worth on labelled films, with intervals."""
