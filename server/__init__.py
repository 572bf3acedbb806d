"""Leadtrail: who visited, what they did, and what to say to them."""

__version__ = "0.1.0"
