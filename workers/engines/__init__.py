"""What goes into a network and what its output means: one module per kind of engine.

Each engine is built on a loaded network and knows nothing of files, streams or cameras. Pictures
are uint8 BGR [height, width, 3] everywhere; boxes are float32 [n, 4] as x, y, width, height in
pixels of the picture.
"""
