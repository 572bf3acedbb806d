"""The demo: a shop with the snippet in its pages, and people who were made up.

Nothing else of the server knows it.
"""
