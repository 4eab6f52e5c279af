"""API keys and numbers used once, in each of the stores."""
