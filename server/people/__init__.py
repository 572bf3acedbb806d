"""People: recognising them (token, proof), folding events into them (state), pages as they are counted
(page). Pure.
"""
