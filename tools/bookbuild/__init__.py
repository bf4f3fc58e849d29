"""Builds the book: executes chapters, caches them, stages the pages, runs Jupyter Book strictly."""
