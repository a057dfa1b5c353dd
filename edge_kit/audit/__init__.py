"""How far shortcuts alone get: what separates the classes without a look at the lungs."""
