"""One algorithm a file, named by its id."""
