"""A real single-node Kubernetes for whoever has none, built from Go modules and run right here.

``python -m dev.cluster up`` gives a kubeconfig; ``down`` takes everything away again.  The node
(etcd, apiserver, controllers, scheduler, kubelet, kube-proxy, CoreDNS) is one static binary; pods
run in the distribution's containerd.  All of it lives in a network namespace, a mount namespace
and a cgroup named after the clone, so the machine stays clean and clones do not meet.
"""
