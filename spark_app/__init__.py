"""SPARK, the service: turns a prompt into a Unity C# script."""

__all__ = ["__version__"]

__version__ = "1.0.0"
