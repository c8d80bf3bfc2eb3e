"""The children of a SparkDeployment as a projection of its status: pure, no I/O."""

from spark_operator.core.render.children import finished_jobs, pieces, render, revision, unknown

__all__ = ["finished_jobs", "pieces", "render", "revision", "unknown"]
