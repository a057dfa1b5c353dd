"""The film branch, and the out-of-distribution check by its logit."""
