"""What the papers compare with, trained by the same code."""
