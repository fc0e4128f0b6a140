"""The runs that visitors start: kept in SQLite, trained by a process of its own."""
