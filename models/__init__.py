"""The networks: what is known of them (``registry``, ``described``), where their files are
(``files``), what each engine would run (``choice``) and how to fetch them (``pull``); and what
goes into them and what they say (``inputs``, ``crop``, ``detection``, ``keypoints``), which the
worker and the lab share."""
