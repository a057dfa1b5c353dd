"""What `ablation.py` can change of a training, and how it trains and judges with it."""
