"""Notifications: what is told, to whom, in which words; pure, as all of the core.

A transition becomes a notice in the outbox, a bounded list in status that is written together with
the transition.  What is sent, and when, is the sending task's; what was taken comes back as an
observation and leaves the outbox with the next write.
"""
