"""How the operator bears many resources: a rig with a real API server and simulated nodes."""
