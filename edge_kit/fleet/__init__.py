"""What the boxes of a fleet say of themselves, read from their receipts and judged together."""
