"""One pure function, ``decide``: from spec, status and observations to the next status.

Nothing here renders a manifest or knows how one is written.
"""
