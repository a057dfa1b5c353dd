"""What a box says of itself to those who look after many: receipts that it signs, one by one."""
