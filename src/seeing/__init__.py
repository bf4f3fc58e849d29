"""Helpers that the chapters of *Learning to See* share; each names the chapter that explains it."""
