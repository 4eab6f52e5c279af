"""The audit log, in each of the stores."""
