"""What readers get: the folder of published tables, and the commands that read or write it."""
