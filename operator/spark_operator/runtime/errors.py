"""Errors of the operator's start."""

from __future__ import annotations


class SettingsError(Exception):
    """The operator's environment is wrong; the message lists each variable and what it takes."""


class MissingResourceDefinitionError(Exception):
    """The CustomResourceDefinition is not installed; the message says how to install it."""
