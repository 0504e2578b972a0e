import pytest

from lakehouse.services.secret_store import ensure_secrets
from lakehouse.settings import Settings
from lakehouse.spark_conf import JAVA_OPTIONS, properties_text, spark_properties


@pytest.fixture
def properties(tmp_path):
    settings = Settings(stack="unit", lake_home=tmp_path, port_offset=1000, java_options="")
    ensure_secrets(settings)
    settings.spark_jars.mkdir(parents=True)
    for name in ("b.jar", "a.jar", "note.txt"):
        (settings.spark_jars / name).touch()
    return spark_properties(settings)


def test_the_catalog_is_nessies_native_one_and_is_not_cached(properties):
    catalog = {key.removeprefix("spark.sql.catalog.lake."): value for key, value in properties.items() if key.startswith("spark.sql.catalog.lake.")}
    assert catalog["type"] == "nessie"
    assert catalog["uri"] == "http://127.0.0.1:20120/api/v2"
    assert catalog["cache-enabled"] == "false"
    assert catalog["s3.access-key-id"] == "lakehouse-writer"


def test_sql_is_strict_and_in_utc(properties):
    assert properties["spark.sql.ansi.enabled"] == "true"
    assert properties["spark.sql.session.timeZone"] == "UTC"


def test_everything_binds_to_loopback(properties):
    assert properties["spark.driver.bindAddress"] == properties["spark.driver.host"] == "127.0.0.1"


def test_jars_are_the_folders_in_order_on_the_class_path_itself(properties):
    assert [path.rsplit("/", 1)[1] for path in properties["spark.driver.extraClassPath"].split(":")] == ["a.jar", "b.jar"]
    assert "spark.jars" not in properties


def test_the_archive_of_classes_is_named_where_there_is_one(tmp_path, properties):
    assert "SharedArchiveFile" not in properties["spark.driver.extraJavaOptions"]
    settings = Settings(stack="unit", lake_home=tmp_path)
    settings.spark_class_archive.parent.mkdir()
    settings.spark_class_archive.touch()
    assert f'"-XX:SharedArchiveFile={settings.spark_class_archive}"' in spark_properties(settings)["spark.driver.extraJavaOptions"]


def test_further_options_of_java_stand_behind_our_own(tmp_path, properties):
    settings = Settings(stack="unit", lake_home=tmp_path, java_options="-Dtrust=mine -Xint")
    assert spark_properties(settings)["spark.driver.extraJavaOptions"] == f"{JAVA_OPTIONS} -Dtrust=mine -Xint"
    assert properties["spark.driver.extraJavaOptions"] == JAVA_OPTIONS


def test_properties_text_is_sorted_and_escapes_backslashes():
    assert properties_text({"b": "x\\y", "a": "1"}) == "a=1\nb=x\\\\y\n"
