"""Runs that visitors start: stored in SQLite, trained by a separate process."""
