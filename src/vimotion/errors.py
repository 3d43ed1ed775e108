"""The error that a user can mend."""


class UserError(ValueError):
    """Something that the user asked for cannot be done; the message is one sentence that says what to do."""
