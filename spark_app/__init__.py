"""SPARK, the service: turns a prompt into a Unity C# script."""
