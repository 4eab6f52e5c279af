"""botkit's own API."""
