"""The session store as everyone sees it: its file, its tables, reading, erasing and backups.

Only the aggregator adds rows (readroom.aggregator.store): what is here is the contract between it
and those who come afterwards, like readroom.messages is between the boxes.
"""
