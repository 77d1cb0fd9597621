"""What each component does: the calls of the package that it makes, and what it says it made."""
