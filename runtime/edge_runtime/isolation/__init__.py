"""Films read in processes of their own, with limits of memory and time, that can be replaced."""
