"""Airflow's REST API as its pages use it, for the tests of the running stack."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from lakehouse.settings import Settings


@dataclass(frozen=True)
class Api:
    """Airflow's REST API as one user."""

    address: str
    token: str = field(default="", repr=False)

    @classmethod
    def login(cls, settings: Settings, user: str) -> Api:
        anyone = cls(f"http://{settings.address('airflow')}")
        status, answer = anyone.call("POST", "/auth/token", {"username": user, "password": settings.secret(f"airflow_{user}_password")})
        assert status == 201
        return cls(anyone.address, answer["access_token"])

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {self.token}"} if self.token else {})}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, headers, method=method)  # noqa: S310  our own address
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def get(self, path: str) -> Any:
        status, answer = self.call("GET", f"/api/v2/{path}")
        assert status == 200, answer
        return answer

    def post(self, path: str, body: object) -> Any:
        status, answer = self.call("POST", f"/api/v2/{path}", body)
        assert status == 200, answer
        return answer

    def trigger(self, dag: str, conf: Mapping[str, object] | None = None) -> str:
        return str(self.post(f"dags/{dag}/dagRuns", {"logical_date": None, "conf": dict(conf or {})})["dag_run_id"])

    def state(self, dag: str, run: str) -> str:
        return str(self.get(f"dags/{dag}/dagRuns/{run}")["state"])

    def tasks(self, dag: str, run: str) -> list[dict[str, Any]]:
        return list(self.get(f"dags/{dag}/dagRuns/{run}/taskInstances")["task_instances"])

    def task(self, dag: str, run: str, task_id: str, label: str = "") -> dict[str, Any]:
        """Return a task of a run; of a mapped one, the instance with the label."""
        (found,) = [each for each in self.tasks(dag, run) if each["task_id"] == task_id and (not label or each["rendered_map_index"] == label)]
        return found

    def log(self, dag: str, run: str, task_id: str, label: str = "") -> str:
        """Return the newest try's log as text, one event a line; an exception is one event with its message."""
        task = self.task(dag, run, task_id, label)
        place = f"dags/{dag}/dagRuns/{run}/taskInstances/{task_id}/logs/{task['try_number']}?full_content=true&map_index={task['map_index']}"
        lines = []
        for one in self.get(place)["content"]:
            lines += [one["event"], *(error["exc_value"] for error in one.get("error_detail") or ())]
        return "\n".join(lines)

    def why(self, dag: str, run: str) -> str:
        """Return the ends of the logs of a run's tasks that did not end well, for a test's message."""
        bad = [each for each in self.tasks(dag, run) if each["state"] not in ("success", "skipped", None)]
        ends = {f"{each['task_id']} {each['state']}": self.log(dag, run, each["task_id"], each["rendered_map_index"] or "")[-1500:] for each in bad}
        return "\n".join(f"{name}: {end}" for name, end in ends.items())

    def emitted(self, run: str) -> list[str]:
        """Return the names of the assets whose events a run has emitted."""
        return [each["name"] for each in self.get(f"assets/events?source_run_id={quote(run, safe='')}")["asset_events"]]

    def questions(self, dag: str, run: str) -> list[dict[str, Any]]:
        """Return what a run asks a person and nobody has answered yet."""
        return list(self.get(f"dags/{dag}/dagRuns/{run}/hitlDetails?response_received=false")["hitl_details"])

    def answer(self, dag: str, run: str, task_id: str, option: str) -> int:
        path = f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/{task_id}/-1/hitlDetails"
        return self.call("PATCH", path, {"chosen_options": [option], "params_input": {}})[0]
