"""The main job: which rows of a file have a wrong target?"""

from sknoisy._audit._command import main

__all__ = ["main"]
