"""Who a person is and when they were here: conditions on the person's state."""
