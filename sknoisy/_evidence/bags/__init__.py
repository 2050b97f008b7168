"""Models of random parts of the rows, which judge the others."""
