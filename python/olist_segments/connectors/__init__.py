"""What turns another shop's files into the input layer."""
