"""This very machine: what it is and lacks, how fast it is, whether a bundle is true here."""
