"""The maintainers' own: measured speeds, the documentation's tables. Nothing of the app imports it."""
