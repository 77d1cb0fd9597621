"""Tables of rows that are run, compared and judged in words."""
