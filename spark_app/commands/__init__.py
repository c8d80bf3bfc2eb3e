"""The commands of ``spark-app``; the server itself stands in ``service``."""
