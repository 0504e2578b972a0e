"""What is sent to the catalog to put comments on a view's columns."""

import copy

import pytest

from lakehouse.errors import AuditFailedError
from lakehouse.serving.view_comments import commented

NAMES = ("site_id", "oee_pct")
PLAIN = {
    "type": "struct",
    "schema-id": 0,
    "fields": [{"id": number, "name": name, "required": False, "type": "string"} for number, name in enumerate(NAMES, start=1)],
}
METADATA = {
    "view-uuid": "5823",
    "current-version-id": 3,
    "schemas": [PLAIN],
    "versions": [
        {"version-id": 2, "schema-id": 0, "representations": [{"sql": "SELECT 1", "dialect": "trino"}]},
        {"version-id": 3, "schema-id": 0, "representations": [{"sql": "SELECT 2", "dialect": "trino"}]},
    ],
}
MEANINGS = {"site_id": "Site.", "oee_pct": "OEE in percent."}


def _updates(metadata):
    return {update["action"]: update for update in commented(metadata, "oee", MEANINGS, 1_000)["updates"]}


def test_the_current_version_comes_again_on_a_schema_with_comments():
    updates = _updates(METADATA)
    added = updates["add-schema"]["schema"]
    assert [field["doc"] for field in added["fields"]] == ["Site.", "OEE in percent."]
    version = updates["add-view-version"]["view-version"]
    assert version["schema-id"] == added["schema-id"] == 1
    assert version["version-id"] == 4
    assert version["representations"][0]["sql"] == "SELECT 2"


def test_a_schema_that_is_there_already_is_used_again():
    known = copy.deepcopy(METADATA)
    known["schemas"].append(_updates(METADATA)["add-schema"]["schema"])
    updates = _updates(known)
    assert "add-schema" not in updates
    assert updates["add-view-version"]["view-version"]["schema-id"] == 1


@pytest.mark.parametrize("meanings", [{"site_id": "Site."}, {**MEANINGS, "scrap_pct": "Scrap."}])
def test_a_column_too_few_or_too_many_is_named(meanings):
    with pytest.raises(AuditFailedError, match=r"view oee: the view has site_id, oee_pct; its kpi.yaml has"):
        commented(METADATA, "oee", meanings, 1_000)
