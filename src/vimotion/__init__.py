"""VIMotion: talk with a model that understands and makes the motion of two people."""

__version__ = "0.1.0"
