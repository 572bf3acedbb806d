"""leadtrail.yaml and what it asks: pure functions from a person's state to whether a rule matches."""
