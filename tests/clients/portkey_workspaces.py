#!/usr/bin/env python3
"""The unmodified Portkey SDK on workspaces and who works in them, each from its making to its end.

The server is named by TURNPIKE_BASE_URL (ends in /v1). Standard input has the organisation's key and the id of somebody in it:
{"key": "...", "user": "..."}. One JSON object goes to standard output: what the SDK returned at each step, for the test that ran
the script to judge.
"""

import faulthandler
import json
import os
import sys

from portkey_ai import Portkey

# Longer than the walk takes; shorter than the patience of whoever waits for a hung one.
DEADLINE_S = 60


def dump(model):
    return model.model_dump(mode="json") if hasattr(model, "model_dump") else model


def walk(client, user):
    """Every step's name and what the SDK made of its answer."""
    workspaces = client.admin.workspaces
    made = workspaces.create(
        name="Search", description="the search team", defaults={"metadata": {"team": "search"}}, users=[user]
    )
    yield "create", made
    yield "retrieve", workspaces.retrieve(workspace_id=made.slug)
    yield "list", workspaces.list(name="Sear", page_size=10, current_page=0)
    yield "update", workspaces.update(workspace_id=made.slug, name="Find", description="still", defaults={})

    members = workspaces.users
    yield "users.create", members.create(workspace_id=made.slug, users=[{"id": user, "role": "manager"}])
    yield "users.retrieve", members.retrieve(workspace_id=made.slug, user_id=user)
    yield "users.list", members.list(workspace_id=made.slug, role="manager", page_size=10, current_page=0)
    yield "users.update", members.update(workspace_id=made.slug, user_id=user, role="member")
    yield "users.delete", members.delete(workspace_id=made.slug, user_id=user)
    yield "delete", workspaces.delete(workspace_id=made.slug, name="Find")


if __name__ == "__main__":
    faulthandler.dump_traceback_later(DEADLINE_S, exit=True)
    told = json.load(sys.stdin)
    connected = Portkey(api_key=told["key"], base_url=os.environ["TURNPIKE_BASE_URL"])
    print(json.dumps({step: dump(returned) for step, returned in walk(connected, told["user"])}))
