"""Float graphs -> small ones, from one table of ranges."""
