"""What status says to people: conditions, diagnosis, notices; nothing here moves traffic."""
