import os

bind = os.environ.get("LISTEN", "0.0.0.0:5000")
# app.py divides the pool among the workers.
workers = int(os.environ.setdefault("WORKERS", str(len(os.sched_getaffinity(0)))))
worker_class = "eventlet"
worker_tmp_dir = "/dev/shm"  # in memory, because the heartbeat must not wait for a disk
control_socket_disable = True


def post_fork(server, worker):
    # eventlet cannot patch psycopg2, which is written in C. Without this, a query blocks all requests.
    from psycogreen.eventlet import patch_psycopg

    patch_psycopg()
