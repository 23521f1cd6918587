"""Recorded truth: timelines of what the networks saw, beside what a viewer saw."""
