#!/usr/bin/env python3
"""The unmodified Portkey SDK on what a workspace keeps: virtual keys, configs and API keys, each from its making to its end.

The server is named by TURNPIKE_BASE_URL (ends in /v1) and TURNPIKE_API_KEY. One JSON object goes to standard output: what the
SDK returned at each step, for the test that ran the script to judge.
"""

import faulthandler
import json
import os

from portkey_ai import Portkey

# Longer than the walk takes; shorter than the patience of whoever waits for a hung one.
DEADLINE_S = 60


def dump(model):
    return model.model_dump(mode="json") if hasattr(model, "model_dump") else model


def walk(client):
    """Every step's name and what the SDK made of its answer."""
    key = client.virtual_keys.create(name="mine", provider="open-ai", key="sk-0123456789abcdef", note="n")
    yield "virtual_keys.create", key
    yield "virtual_keys.retrieve", client.virtual_keys.retrieve(slug=key.slug)
    yield "virtual_keys.update", client.virtual_keys.update(slug=key.slug, name="ours", models=["gpt-4o*"])
    yield "virtual_keys.list", client.virtual_keys.list()

    config = client.configs.create(
        name="prod",
        config={"retry": {"attempts": 1}, "targets": [{"virtual_key": key.slug}], "strategy": {"mode": "single"}},
        is_default=1,
    )
    yield "configs.create", config
    yield "configs.retrieve", client.configs.retrieve(slug=config.slug)
    yield "configs.update", client.configs.update(slug=config.slug, name="test", config={"provider": "echo"})
    yield "configs.list", client.configs.list()

    defaults = {"metadata": {"env": "dev"}, "config_id": config.slug}
    made = client.api_keys.create(
        type="workspace",
        sub_type="service",
        name="ci",
        scopes=["completions.write"],
        defaults=defaults,
        alert_emails=["ops@example.com"],
        rotation_policy={"rotation_period": "monthly", "key_transition_period_ms": 3600000},
    )
    yield "api_keys.create", made
    yield "api_keys.retrieve", client.api_keys.retrieve(id=made.id)
    yield "api_keys.update", client.api_keys.update(id=made.id, name="cd", scopes=["completions.write"])
    yield "api_keys.list", client.api_keys.list(page_size=10)

    yield "api_keys.delete", client.api_keys.delete(id=made.id)
    yield "configs.delete", client.configs.delete(slug=config.slug)
    yield "virtual_keys.delete", client.virtual_keys.delete(slug=key.slug)


if __name__ == "__main__":
    faulthandler.dump_traceback_later(DEADLINE_S, exit=True)
    connected = Portkey(api_key=os.environ["TURNPIKE_API_KEY"], base_url=os.environ["TURNPIKE_BASE_URL"])
    print(json.dumps({step: dump(returned) for step, returned in walk(connected)}))
