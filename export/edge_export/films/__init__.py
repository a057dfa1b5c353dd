"""Films: what is known of one, their pixels, generated ones, and those that check a machine."""
