"""Airflow's REST interface, as its pages use it: start a DAG run and wait for it."""

from __future__ import annotations

import time
from typing import Any

import requests

from lakehouse.errors import ServiceError
from lakehouse.settings import Settings

DONE = frozenset({"success", "failed"})
POLL_S = 1.0


class Airflow:
    """A session of the admin of one stack's Airflow.

    Raises:
        ServiceError: Airflow does not answer, or refused.
    """

    def __init__(self, settings: Settings) -> None:
        self._base = f"http://{settings.host}:{settings.port('airflow')}"
        self._http = requests.Session()
        self._http.trust_env = False
        login = {"username": "admin", "password": settings.secret("airflow_admin_password")}
        token = self._ask("POST", "/auth/token", json=login)["access_token"]
        self._http.headers["Authorization"] = f"Bearer {token}"

    def _ask(self, method: str, path: str, **kwargs: Any) -> dict[str, Any]:
        try:
            answer = self._http.request(method, self._base + path, timeout=30, **kwargs)
        except requests.RequestException as error:
            raise ServiceError("airflow", f"{type(error).__name__} at {self._base}", "bin/lakehouse status") from error
        if not answer.ok:
            raise ServiceError("airflow", f"{method} {path}: HTTP {answer.status_code} {answer.text[:200]}", "bin/lakehouse status")
        found: dict[str, Any] = answer.json()
        return found

    def trigger(self, dag_id: str) -> str:
        """Start a run without a logical date, as the button does, and return its id."""
        return str(self._ask("POST", f"/api/v2/dags/{dag_id}/dagRuns", json={"logical_date": None})["dag_run_id"])

    def questions(self, dag_id: str, run_id: str) -> list[str]:
        """Return what a run asks a person and nobody has answered yet."""
        found = self._ask("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/hitlDetails", params={"response_received": "false"})
        return [str(each["subject"]) for each in found["hitl_details"]]

    def wait(self, dag_id: str, run_id: str, within_s: float) -> str:
        """Return the final state of a run: success or failed; or asked, when it goes on only with a person's answer.

        Raises:
            ServiceError: it did not end in time.
        """
        deadline = time.monotonic() + within_s
        while True:
            state = str(self._ask("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")["state"])
            if state in DONE:
                return state
            if self.questions(dag_id, run_id):
                return "asked"
            if time.monotonic() > deadline:
                raise ServiceError(dag_id, f"run {run_id} is {state} after {within_s:.0f} s", "open the run in Airflow")
            time.sleep(POLL_S)

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Return the runs of a DAG, newest first."""
        found: list[dict[str, Any]] = self._ask("GET", f"/api/v2/dags/{dag_id}/dagRuns", params={"order_by": "-run_after", "limit": 20})["dag_runs"]
        return found
