"""What increases prove, as numbers; what follows from them is the verdict's."""
