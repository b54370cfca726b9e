import os

bind = os.environ.get("LISTEN", "0.0.0.0:5000")
# app.py divides the pool among as many.
workers = int(os.environ.setdefault("WORKERS", str(len(os.sched_getaffinity(0)))))
worker_class = "eventlet"
worker_tmp_dir = "/dev/shm"  # the heartbeat must not wait for a disk
control_socket_disable = True


def post_fork(server, worker):
    # psycopg2 is C: eventlet's own patching doesn't reach it, and a query would stop every request.
    from psycogreen.eventlet import patch_psycopg

    patch_psycopg()
