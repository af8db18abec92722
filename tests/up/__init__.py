"""`ringback up` as a process: started, tried, stopped and killed as people and machines do it."""
