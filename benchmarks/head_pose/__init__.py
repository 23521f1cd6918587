"""Where a head points, from points of a face: how near is that to FSA-Net, and to the truth?

The product computes yaw, pitch and roll from the detector's five landmarks and, where a pose was
read, from nose, eyes and ears of the pose network (models/head_pose.py). ``python -m
benchmarks.head_pose`` compares that with FSA-Net, a network made for nothing else, on

- rendered turns: the demo room's people at known angles, turned and nodding, and the pictures of
  them turned in the plane. A portrait isn't quite straight itself, so what is compared with the
  known angle is the change since the portrait as it is;
- photographs: the faces of ``test`` photos (models/lab/faces/photos.py), where nobody knows the
  angles: agreement with FSA-Net is told beside the agreement of its two networks with each other;
- the first second of the clip of head turns, where it is at hand.

FSA-Net's files aren't part of the project: READROOM_MODELS has to name a folder with
fsanet_1x1.onnx and fsanet_var.onnx.
"""
