"""What a message says, and how it reaches a person."""
