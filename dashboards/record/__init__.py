"""Recording: what the room's streams say, as a table for whoever studies it.

``columns`` says what the table has, ``rows`` makes its rows of room states and markers, ``table``
writes them as Parquet, ``follow`` reads the streams until the session ends.
"""
