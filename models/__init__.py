"""The networks: what is known of them (``registry``), where their files are (``files``), what
each engine would run (``choice``) and how to fetch them (``pull``)."""
