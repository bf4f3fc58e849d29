"""Data sets, fetched through a chain of sources and verified by hash before use."""
