"""Other shops' files, mapped to the nine raw tables by SQL: a folder `connectors/<name>/` for each kind of export."""
