"""Numbers: the forms that a y has, and those of it that bend every model."""
