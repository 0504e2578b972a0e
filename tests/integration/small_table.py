"""Run by spark-submit in test_stack: a table of two rows in two files, so that Trino has something it could optimize."""

from lakehouse.settings import Settings
from lakehouse.spark.session import session

spark = session(Settings(), "small_table")
spark.sql("create namespace if not exists lake.proof")
spark.sql("create table lake.proof.small (id bigint) using iceberg")
for number in (1, 2):
    spark.sql("insert into lake.proof.small values (:number)", {"number": number})
