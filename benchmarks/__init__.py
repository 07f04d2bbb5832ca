"""The figures that the documentation quotes, each measured beside an alternative in one run."""
