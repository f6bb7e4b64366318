"""The fewest changes after which nobody is blocked."""
