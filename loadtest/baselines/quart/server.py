"""Starts Uvicorn with the settings of the environment, which are the same for all baselines."""

import os

import uvicorn

if __name__ == "__main__":
    host, port = os.environ.get("LISTEN", "0.0.0.0:5000").rsplit(":", 1)
    # app.py divides the pool among the workers.
    workers = int(os.environ.setdefault("WORKERS", str(len(os.sched_getaffinity(0)))))
    uvicorn.run(
        "app:app",
        host=host.strip("[]"),
        port=int(port),
        workers=workers,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
    )
