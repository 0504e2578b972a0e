"""What every Spark process of a stack is told: one pure mapping, used by `spark-submit` and by our own sessions.

Keys of the object store are among the values. They belong into a 0600 properties file (`properties_text`), never on a command
line: `SparkSession.builder.config` hands its values to the JVM's command line when no JVM runs yet.
"""

from __future__ import annotations

from collections.abc import Mapping

from lakehouse.settings import Settings

CATALOG = "spark.sql.catalog.lake"
WRITER = "lakehouse-writer"
JAVA_OPTIONS = "-Duser.timezone=UTC -Djava.net.preferIPv4Stack=true"


def spark_properties(settings: Settings) -> dict[str, str]:
    """Return the Spark properties of a stack: memory, addresses, the catalog `lake` and both ways to S3.

    Raises:
        SettingsError: the stack has no secrets yet.
    """
    return {**_process(settings), **_sql(), **_catalog(settings), **_s3a(settings)}


def properties_text(properties: Mapping[str, str]) -> str:
    """Return the text of a Java properties file, one sorted `key=value` a line, with backslashes escaped."""
    lines = (f"{key}={value}".replace("\\", "\\\\") for key, value in sorted(properties.items()))
    return "\n".join(lines) + "\n"


def _process(settings: Settings) -> dict[str, str]:
    """Heap, addresses and folders of the driver.

    Our jars stand on the JVM's own class path, not among `spark.jars`: an archive of loaded classes holds no others, and Spark would
    copy them at each start. The JVM checks the archive against its jars and says nothing where it must do without.
    """
    scratch, jars = settings.run / "data" / "spark", ":".join(str(jar) for jar in sorted(settings.spark_jars.glob("*.jar")))
    archive = settings.spark_class_archive
    shared = f'"-XX:SharedArchiveFile={archive}" -Xlog:disable -Xlog:all=error:stderr' if archive.is_file() else ""
    return {
        "spark.master": settings.spark_master,
        "spark.driver.memory": settings.spark_driver_memory,
        "spark.driver.host": settings.host,
        "spark.driver.bindAddress": settings.host,
        "spark.driver.extraJavaOptions": " ".join(each for each in (JAVA_OPTIONS, settings.java_options, shared) if each),
        "spark.driver.extraClassPath": jars,
        "spark.executor.extraClassPath": jars,
        "spark.ui.enabled": "false",
        "spark.ui.port": str(settings.port("spark_ui")),
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "WARN",
        "spark.local.dir": str(scratch / "local"),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
    }


def _sql() -> dict[str, str]:
    """How SQL behaves: strict, in UTC, sized for two cores."""
    return {
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.shuffle.partitions": "4",
    }


def _catalog(settings: Settings) -> dict[str, str]:
    """Nessie's native catalog. Uncached: another process commits to the same tables."""
    return {
        CATALOG: "org.apache.iceberg.spark.SparkCatalog",
        f"{CATALOG}.type": "nessie",
        f"{CATALOG}.uri": settings.nessie_api,
        f"{CATALOG}.ref": "main",
        f"{CATALOG}.warehouse": "s3://lake/warehouse",
        f"{CATALOG}.cache-enabled": "false",
        f"{CATALOG}.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        f"{CATALOG}.s3.endpoint": settings.s3_endpoint,
        f"{CATALOG}.s3.path-style-access": "true",
        f"{CATALOG}.s3.access-key-id": WRITER,
        f"{CATALOG}.s3.secret-access-key": settings.secret("s3_writer_secret"),
        f"{CATALOG}.client.region": settings.s3_region,
    }


def _s3a(settings: Settings) -> dict[str, str]:
    """Hadoop's way to S3, for reading dumps and for checkpoints."""
    prefix = "spark.hadoop.fs.s3a"
    return {
        f"{prefix}.endpoint": settings.s3_endpoint,
        f"{prefix}.endpoint.region": settings.s3_region,
        f"{prefix}.path.style.access": "true",
        f"{prefix}.connection.ssl.enabled": "false",
        f"{prefix}.aws.credentials.provider": "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider",
        f"{prefix}.access.key": WRITER,
        f"{prefix}.secret.key": settings.secret("s3_writer_secret"),
    }
