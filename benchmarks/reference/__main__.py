"""Serve it: database file, port, market's address."""

import sys

import uvicorn

from benchmarks.reference.app import create_app

if __name__ == "__main__":
    database, port, market = sys.argv[1:]
    uvicorn.run(create_app(database, market), port=int(port), access_log=False, log_level="warning")
