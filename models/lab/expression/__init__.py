"""The expression network: its pictures, its training, its measurement, and what it looks for."""
