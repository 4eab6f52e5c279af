"""For administrators: keys, what all of them use, and who did what. Light: no server code is imported."""
