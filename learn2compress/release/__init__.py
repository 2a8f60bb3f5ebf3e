"""What a pushed version holds, and how it appears as a whole or not at all."""
