"""What each key uses and has used, in each of the stores."""
