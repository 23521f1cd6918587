"""Where a head points, learned from points of a face: what models/head_pose.py computes with is
fitted here to FSA-Net's angles, and measured by benchmarks/head_pose."""
