"""The SPARK operator: watches SparkDeployments, runs, judges and rolls back their releases."""
