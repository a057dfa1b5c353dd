"""Float graphs -> quantized graphs, from one table of ranges."""
