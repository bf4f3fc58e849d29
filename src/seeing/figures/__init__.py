"""The book's standard figures, one small module a kind."""
