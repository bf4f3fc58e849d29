"""Code that serves one chapter alone and would distract in its notebook."""
