"""Student networks: architectures that build them, and the ways in which they share parameters."""
