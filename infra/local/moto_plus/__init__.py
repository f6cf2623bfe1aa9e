"""moto, with what it lacks for Forester: one file for each addition."""
