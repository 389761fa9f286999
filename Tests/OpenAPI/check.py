"""Compares the HTTP API with its OpenAPI document: schemathesis makes requests of it, allowed and wrong ones.

    Tests/OpenAPI/setup && .build/openapi-venv/bin/python Tests/OpenAPI/check.py .build/debug/stint
"""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "Browser"))
from site_with_jobs import Site  # noqa: E402

CHECKS = [
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "unsupported_method", "ignored_auth",
]


def main(stint, examples="25", seed="1"):
    users = os.path.join(HERE, "..", "..", ".build", f"openapi-users-{os.getpid()}")
    try:
        token = subprocess.run(
            [stint, "serve", "--new-token", "schemathesis", "--role", "admin", "--auth-file", users],
            capture_output=True, text=True, check=True).stdout.strip()
        with Site(stint, "--auth-file", users) as site:
            document = site.address + "/api/v1/openapi.json"
            done = subprocess.run(
                [
                    os.path.join(os.path.dirname(sys.executable), "schemathesis"), "run", document,
                    "--url", site.address + "/api/v1", "--checks", ",".join(CHECKS), "--seed", seed,
                    "--max-examples", examples, "--phases", "examples,coverage,fuzzing", "--request-timeout", "30",
                    "--header", f"Authorization: Bearer {token}", "--continue-on-failure", "--no-color",
                    "--generation-database", "none",
                ],
                env={**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": HERE}, timeout=300)
            assert site.processes[-1].poll() is None, "the server has ended"
            return done.returncode
    finally:
        if os.path.exists(users):
            os.remove(users)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
