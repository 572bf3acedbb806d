"""The only SQL. `base` is what every engine can do; an engine is a folder."""
