"""What the engine says when it cannot do what was asked. Every message is one line written for a user."""


class Refusal(ValueError):
    """An input that cannot be used: the message names the input, what is wrong with it and what to do."""


class TooCoarse(Refusal):
    """The scene's effective GSD cannot resolve the class asked for."""


class NoAcquisitionTime(Refusal):
    """Nothing says when the scene was taken."""


class MissingLibrary(Refusal):
    """A Python library that this task needs is not installed."""


class Cancelled(Exception):
    """The user stopped the run. Raised by the progress callback; never turned into a smaller answer."""
