"""Student networks: families that build them, and the ways in which they share parameters."""
