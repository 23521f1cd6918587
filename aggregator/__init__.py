"""The aggregator: joins what the workers saw into people and their timelines.

``joining`` puts frames in order, ``tracking`` follows faces, ``slots`` gives people their seats,
``expression_state`` says how each looks, ``room`` holds it all together, ``store`` keeps it, and
``process`` is the box around them. Everything but ``process`` and ``store`` is pure: time is
passed in, and the state is data that one msgpack blob holds (see ``room.Aggregate``).
"""
