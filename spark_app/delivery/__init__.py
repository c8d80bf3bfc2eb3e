"""What leaves the service beside answers: records, messages, errors; never awaited by a user."""
