"""Does the small graph decide like the reference model?"""
