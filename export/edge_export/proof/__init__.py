"""Does the small graph decide like the big one?"""
