"""What goes wrong in a job or a command is one line with a code; a trace stands before it only where nobody foresaw the error."""

from __future__ import annotations

import pytest

from lakehouse.errors import PlantModelError
from lakehouse.flow.job import run, told


class Py4JJavaError(Exception):
    """As an engine's error arrives: the cause is somewhere in its text."""


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("An error occurred: org.projectnessie.client.http.HttpClientException: Failed to execute GET", "E_CATALOG_UNREACHABLE"),
        ("software.amazon.awssdk.core.exception.SdkClientException: Unable to execute HTTP request", "E_S3_UNREACHABLE"),
        ("org.apache.kafka.common.errors.TimeoutException: Timed out waiting for a node assignment", "E_KAFKA_UNREACHABLE"),
    ],
)
def test_what_an_engine_says_of_a_service_is_that_services_error(text, code):
    line = told(Py4JJavaError(text)).line()
    assert line.startswith(f"{code} ") and line.endswith("| next: bin/lakehouse status")


def fails(error):
    def work():
        raise error

    return work


def test_an_error_that_a_person_can_meet_is_its_line_alone(capsys):
    assert run(fails(PlantModelError("demo.yaml", "no zone", "mend it"))) == 4
    assert capsys.readouterr().err == "E_PLANT_MODEL demo.yaml: no zone | next: mend it\n"


def test_an_error_that_nobody_foresaw_ends_with_a_line_below_its_trace(capsys):
    assert run(fails(ZeroDivisionError("division by zero"))) == 70
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("Traceback")
    assert said[-1] == "E_INTERNAL ZeroDivisionError: division by zero | next: read the trace above this line"


def test_work_that_ends_well_says_its_summary(capsys):
    assert run(lambda: "3 rows") == 0
    assert capsys.readouterr().out == "3 rows\n"
