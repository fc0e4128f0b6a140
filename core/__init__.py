"""The experiment: data, corruption, networks, training, results. Knows nothing of the pages."""
