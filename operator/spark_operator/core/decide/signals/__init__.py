"""What reaches a rollout from outside its own trial: alerts, maintenance, isolation, secrets."""
