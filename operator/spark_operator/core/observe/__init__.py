"""API objects become observations: values that decisions depend on; nothing is decided here."""
