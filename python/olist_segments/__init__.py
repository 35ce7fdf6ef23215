"""Customer segmentation of an Olist-shaped marketplace: what SQL can't do, behind the dbt models."""
