"""Calls every operation of the server's OpenAPI document with generated data, and judges each answer by the document.

One JSON object comes on standard input: `url`, the server; `headers`, sent with every call; `paths`, path parameters by
operation; `bodies` and `queries`, by operation, what a good request has where the document's example is not enough; `part`, one in how
many of the generated requests is enough.
One goes to standard output: `statuses`, how often each came, by operation; `failures`, what is not as the document says.
"""

import collections
import faulthandler
import json
import sys

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]

# Of requests that keep to the document, and of requests that do not.
EXAMPLES = {GenerationMode.POSITIVE: 12, GenerationMode.NEGATIVE: 8}

# Longer than a run takes; shorter than the patience of whoever waits for a hung one.
DEADLINE_S = 240


@schemathesis.serializer("application/x-ndjson")
def lines(_context, value):
    return {"data": value if isinstance(value, bytes) else str(value).encode()}


def main():
    faulthandler.dump_traceback_later(DEADLINE_S, exit=True)
    asked = json.load(sys.stdin)
    generation = GenerationConfig(with_security_parameters=False)
    project = ProjectConfig(base_url=asked["url"], generation=generation)
    config = SchemathesisConfig(seed=1, projects=ProjectsConfig(default=project))
    # By its URL it would leave out the operation that the document is had by.
    document = requests.get(f"{asked['url']}/openapi.json", timeout=DEADLINE_S).json()
    run = Run(asked)
    for operation in schemathesis.openapi.from_dict(document, config=config).get_all_operations():
        run.operation(operation.ok())
    print(json.dumps({"statuses": run.statuses, "failures": sorted(run.failures)}))


class Run:
    def __init__(self, asked):
        self.asked = asked
        self.session = requests.Session()
        self.statuses = collections.defaultdict(collections.Counter)
        self.failures = set()

    def operation(self, operation):
        path_parameters = self.asked["paths"].get(operation.label, {})
        headers = {"x-portkey-provider": "echo"} if "gateway" in (operation.tags or []) else {}
        self.good(operation, path_parameters, headers)
        for mode, count in EXAMPLES.items():
            self.generated(operation, mode, count // self.asked["part"], path_parameters, headers)

    def good(self, operation, path_parameters, headers):
        """The request that the document's own examples make."""
        sent = {"path_parameters": path_parameters, "headers": headers}
        raw = operation.schema.raw_schema
        described = raw["paths"][operation.path][operation.method.lower()]
        needed = [it for it in described.get("parameters", []) if it["in"] == "query" and it.get("required")]
        if needed:
            told = self.asked["queries"].get(operation.label)
            sent["query"] = told or {parameter["name"]: parameter["example"] for parameter in needed}
        body = described.get("requestBody")
        if body is not None:
            example = self.asked["bodies"].get(operation.label) or example_of(raw, body["content"]["application/json"])
            sent |= {"body": example, "media_type": "application/json"}
        self.call(operation.Case(**sent))

    def generated(self, operation, mode, count, path_parameters, headers):
        @given(operation.as_strategy(generation_mode=mode, path_parameters=path_parameters, headers=headers))
        @settings(
            max_examples=count,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def calls(case):
            self.call(case)

        try:
            calls()
        except Exception as error:
            # There is nothing to get wrong in a request that has no parts.
            if "NegativeData" not in type(error).__name__ and "Unsatisfiable" not in type(error).__name__:
                raise

    def call(self, case):
        label = case.operation.label
        response = case.call(session=self.session, headers=self.asked["headers"], allow_redirects=False)
        self.statuses[label][response.status_code] += 1
        try:
            # That it is not ready is an answer too, and no error of the server's.
            checked = [check for check in CHECKS if label != "GET /readyz" or check is not not_a_server_error]
            case.validate_response(response, checks=checked)
        except FailureGroup as group:
            self.failures.update(f"{label}: {response.status_code}: {failure}" for failure in group.exceptions)
        self.names_the_mistake(label, response)

    def names_the_mistake(self, label, response):
        if response.status_code == 400 and response.json().get("success") is False:
            message = response.json()["data"]["message"]
            if "; expected " not in message:
                self.failures.add(f"{label}: this names no field: {message}")


def example_of(document, content):
    """The example of a body's schema; of several kinds of body the first's."""
    schema = content["schema"]
    while "example" not in schema:
        if "oneOf" in schema:
            schema = schema["oneOf"][0]
        else:
            schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema["example"]


if __name__ == "__main__":
    main()
