#!/usr/bin/env python3
"""The unmodified Portkey SDK on exports of logs, from the making of one to its file.

The server is named by TURNPIKE_BASE_URL (ends in /v1) and TURNPIKE_API_KEY. One JSON object goes to standard output: what the
SDK returned at each step, and the lines of the file, for the test that ran the script to judge.
"""

import faulthandler
import json
import os
import time
from urllib.parse import urljoin, urlsplit
from urllib.request import urlopen

from portkey_ai import Portkey

# Longer than the walk takes; shorter than the patience of whoever waits for a hung one.
DEADLINE_S = 60


def dump(model):
    return model.model_dump(mode="json") if hasattr(model, "model_dump") else model


def walk(exports):
    """Every step's name and what the SDK made of its answer."""
    filters = {"status_code": "200", "metadata": {"env": "prod"}, "page_size": 10}
    made = exports.create(filters=filters, requested_data=["id"], description="mine")
    yield "create", made
    yield "update", exports.update(export_id=made.id, filters=filters, requested_data=["id", "request", "cost"])
    yield "retrieve", exports.retrieve(export_id=made.id)
    yield "list", exports.list()
    yield "start", exports.start(export_id=made.id)
    while (done := exports.retrieve(export_id=made.id)).status == "in_progress":
        time.sleep(0.05)
    yield "done", done
    link = exports.download(export_id=made.id)
    yield "download", link
    # A server that was given any free port does not know of it in its links.
    path = urlsplit(link.signed_url)._replace(scheme="", netloc="").geturl()
    with urlopen(urljoin(os.environ["TURNPIKE_BASE_URL"], path), timeout=DEADLINE_S) as file:
        yield "lines", [json.loads(line) for line in file]


if __name__ == "__main__":
    faulthandler.dump_traceback_later(DEADLINE_S, exit=True)
    connected = Portkey(api_key=os.environ["TURNPIKE_API_KEY"], base_url=os.environ["TURNPIKE_BASE_URL"])
    print(json.dumps({step: dump(returned) for step, returned in walk(connected.logs.exports)}))
