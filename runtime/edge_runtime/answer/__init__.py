"""From a film to an answer: decisions, rows, many films, pictures."""
