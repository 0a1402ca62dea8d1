"""What the engine says when it cannot do what was asked. Every message is one line written for a user."""


class Refusal(ValueError):
    """An input that cannot be used: the message names the input, what is wrong with it and what to do.

    ``Refusal("{layer} has no zones.", layer=name)``: the template stays apart from its values, so that whoever shows the
    message can translate it. Without values the text is taken as it is.
    """

    def __init__(self, template: str = "", **values: object):
        self.template, self.values = template, values
        super().__init__(self.told())

    def told(self, template: str = "") -> str:
        """The message; with a translated template, in its language."""
        return (template or self.template).format(**self.values) if self.values else template or self.template


class TooCoarse(Refusal):
    """The scene's effective GSD cannot resolve the class asked for."""


class NoAcquisitionTime(Refusal):
    """Nothing says when the scene was taken."""


class MissingLibrary(Refusal):
    """A Python library that this task needs is not installed."""


class Cancelled(Exception):
    """The user stopped the run. Raised by the progress callback; never turned into a smaller answer."""
