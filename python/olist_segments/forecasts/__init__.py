"""Who orders in the next outcome period: models against rules of thumb, judged by what was known at each date."""
