"""A Superset for a test: its own database in the folder of OLIST_SUPERSET_HOME, nothing else."""

import os

SECRET_KEY = "only for a test, on a database that is thrown away"
SQLALCHEMY_DATABASE_URI = f"sqlite:///{os.environ['OLIST_SUPERSET_HOME']}/superset.db"
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False
