"""Who is named in a record, and where: known people, introductions, and what capitals tell."""
