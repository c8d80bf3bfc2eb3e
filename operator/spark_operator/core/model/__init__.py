"""What deciding, observing and rendering all know: names, labels, releases, phases, weights.

Nothing here decides, and nothing here reads an API object as a whole.
"""
