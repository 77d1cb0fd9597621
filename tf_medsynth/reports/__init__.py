"""Every table, figure and page, from plain dictionaries."""
