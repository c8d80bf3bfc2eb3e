"""Where metrics are read: pods' pages and a Prometheus; what they prove is for the judge."""
