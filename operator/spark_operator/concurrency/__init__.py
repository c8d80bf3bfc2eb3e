"""What bounds work that is done side by side."""
