"""Requests in: bytes are decoded into hits, cleaned into events, and handed to the inbox; the snippet is
given out.
"""
