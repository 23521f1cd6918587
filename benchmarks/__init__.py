"""Speed and memory of the real program, as ratios measured side by side in one run."""
