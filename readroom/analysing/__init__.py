"""``readroom analyse``: recorded videos and single pictures, from beginning to end."""
