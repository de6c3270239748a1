"""The database: its engine and transactions, its tables, and one repository a noun. The only user of SQLAlchemy."""
