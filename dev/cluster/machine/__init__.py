"""What the machine gives: processes, networks, cgroups, packages; nothing of Kubernetes."""
