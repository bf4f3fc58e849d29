"""The classifier that people train on their own photographs from a terminal."""
