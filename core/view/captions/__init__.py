"""What the pages say in words, from the data: the sentence above each chart, states, times."""
