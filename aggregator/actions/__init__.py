"""What a person visibly does, from what each frame shows: measurements, switches, rhythms.

``state`` is the way in: ``begin``, ``step``, ``running``, ``measured``, ``finish``. What each
action means, with its thresholds and sources, is the table in ``catalogue``.
"""
