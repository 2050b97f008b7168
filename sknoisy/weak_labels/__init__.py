"""Labels of other kinds: of crowds, by rules, positive only, candidate sets, or missing."""

__all__: list[str] = []
