"""The report: one page for people, written from the tables alone.

`source` reads the tables, `words` writes numbers, `charts` draws, `figures` and `verdict` say what is seen, `page` puts
it together, `command` is the command line.
"""
