"""Run by Airflow's own interpreter: loads Airflow once, and forks for each piece of code that comes as a line of JSON.

What is asked: `code`, `words` (its arguments), `env` (all of it), `folder` (where it works; `out` and `err` there take what it says).
What is answered: its exit status, as a line.
"""

import json
import os
import sys
import traceback
from pathlib import Path

import airflow.providers.apache.spark.operators.spark_submit
import airflow.sdk  # noqa: F401


def run(asked: dict) -> None:
    """Become the process that was asked for; does not return."""
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["folder"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(name, os.O_CREAT | os.O_WRONLY | os.O_TRUNC), number)
    sys.argv = ["-c", *asked["words"]]
    sys.path[:0] = ["", *asked["env"]["PYTHONPATH"].split(os.pathsep)]
    status = 0
    try:
        exec(compile(asked["code"], "<asked>", "exec"), {"__name__": "__main__"})  # noqa: S102
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


sys.path[:] = [path for path in sys.path if path != str(Path(__file__).parent)]
print("ready", flush=True)  # noqa: T201
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        run(json.loads(line))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # noqa: T201
