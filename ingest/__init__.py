"""Cameras in, frames out: sources, pacing, reconnection and the ingest process."""
