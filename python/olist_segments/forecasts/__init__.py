"""Who orders in the next outcome period: models against rules of thumb, judged on what was known, chosen or abstained from."""
