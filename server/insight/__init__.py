"""What the operator asks about the rules: why, who, how many, and what would have been. It writes nothing."""
