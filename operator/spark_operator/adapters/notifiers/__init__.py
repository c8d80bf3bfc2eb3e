"""The channels that notifications go out on, each one exchange over the network."""
