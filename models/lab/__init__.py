"""The lab: what the project's own networks are made with, and looked into.

``readroom lab …``; needs the extra ``lab`` (PyTorch), which the running program never imports. A
folder for each task: expression, faces, poses; what all of them share lies beside the folders.
"""
