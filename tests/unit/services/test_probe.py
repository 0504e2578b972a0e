import json
import struct
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import StreamRequestHandler, TCPServer

import pytest

from lakehouse.services import probe
from lakehouse.settings import HOME


@pytest.fixture
def serve():
    servers = []

    def begin(server):
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_address[1]

    yield begin
    for server in servers:
        server.shutdown()
        server.server_close()


def web(pages):
    class Pages(BaseHTTPRequestHandler):
        def do_GET(self):
            page = pages.get(self.path)
            self.send_response(200 if page is not None else 503)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(page).encode())

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_):
            pass

    return HTTPServer(("127.0.0.1", 0), Pages)


def test_nothing_listening_is_not_ready():
    assert not any(probe.ready(name, 1) for name in probe.PROBES)


def test_trino_must_have_started_and_answer_a_query(serve):
    pages = {"/v1/info": {"starting": True}, "/v1/statement": {"data": [[False]]}}
    port = serve(web(pages))
    assert not probe.ready("trino", port)
    pages["/v1/info"] = {"starting": False}
    assert not probe.ready("trino", port)
    pages["/v1/statement"] = {"data": [[True]]}
    assert probe.ready("trino", port)
    pages["/v1/statement"] = {"error": {"message": "no nodes"}}
    assert not probe.ready("trino", port)


def test_an_airflow_part_must_be_healthy(serve):
    parts = {"metadatabase": {"status": "healthy"}, "scheduler": {"status": "unhealthy"}, "dag_processor": {"status": None}}
    port = serve(web({"/api/v2/monitor/health": parts}))
    assert [probe.ready(name, port) for name in ("airflow_api", "airflow_scheduler", "airflow_dag_processor")] == [True, False, False]


def test_a_finished_spark_application_is_not_ready(serve):
    port = serve(web({"/api/v1/applications": [{"attempts": [{"completed": True}]}]}))
    assert not probe.ready("spark", port)


def test_a_refusing_web_server_is_not_ready(serve):
    port = serve(web({}))
    assert not any(probe.ready(name, port) for name in probe.PROBES if name != "kafka")


@pytest.mark.parametrize(("brokers", "expected"), [(1, True), (0, False)])
def test_kafka_must_name_a_broker(serve, brokers, expected):
    class Broker(StreamRequestHandler):
        def handle(self):
            (size,) = struct.unpack(">i", self.rfile.read(4))
            self.rfile.read(size)
            self.wfile.write(struct.pack(">iiii", 12, 1, 0, brokers))

    assert probe.ready("kafka", serve(TCPServer(("127.0.0.1", 0), Broker))) is expected


def test_it_runs_on_a_bare_python_and_gives_up_in_time():
    command = [sys.executable, "-I", "-S", str(HOME / "lakehouse" / "services" / "probe.py"), "minio", "1", "0.3"]
    assert subprocess.run(command, check=False, timeout=10).returncode == 1
