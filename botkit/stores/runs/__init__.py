"""Async runs and requests that may be sent twice, in each of the stores."""
