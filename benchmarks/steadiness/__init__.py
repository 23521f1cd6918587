"""How steady an expression network is on a still face, by face size: where is reading honest?

Only clips of real people can say that, and they are no part of the repository: they are looked for
in ../shared/videos. ``python -m benchmarks.steadiness --network FILE --network FILE --out FOLDER``
reads them with each network and writes tables, figures (JSON) and a plot.

Each person is followed at full size with the product's detector and tracker. Then each frame is
shrunk so that the person's median face width becomes 96, 64, 48, 32, 24 and 16 px, and read again,
in two ways: with the box *given* (found at full size, scaled down: what the network alone loses),
and with the box *found* in the small frame (what a camera further away would get: the box jitters,
too). The person's own reading at full size is what is compared with. It is no truth: a network
may be steadily wrong.

A frame shrunk by averaging is cleaner than one from a camera further away, which adds noise, blur
and compression. So what fails here fails there; what holds here may fail there.
"""
