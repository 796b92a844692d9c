"""The tables that SQLAlchemy would make for Flask-Session: one JSON line for each line with a dialect's name."""

import json
import sys

from flask_session.sqlalchemy.sqlalchemy import create_session_model
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.dialects import registry
from sqlalchemy.schema import CreateTable

table = create_session_model(SQLAlchemy(), "sessions").__table__
for line in sys.stdin:
    dialect = registry.load(line.strip())()
    sql = str(CreateTable(table).compile(dialect=dialect))
    lines = [line.rstrip() for line in sql.replace("\t", "  ").splitlines()]
    print(json.dumps("\n".join(line for line in lines if line)), flush=True)
