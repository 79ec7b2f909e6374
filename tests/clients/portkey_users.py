#!/usr/bin/env python3
"""The unmodified Portkey SDK on the people of an organisation and on who is invited, each from its making to its end.

The server is named by TURNPIKE_BASE_URL (ends in /v1). Standard input has the organisation's key, the slug of a workspace and the
id of somebody: {"key": "...", "workspace": "...", "user": "..."}. One JSON object goes to standard output: what the SDK returned at
each step, for the test that ran the script to judge.
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


def walk(client, workspace, user):
    """Every step's name and what the SDK made of its answer."""
    users = client.admin.users
    yield "retrieve", users.retrieve(user_id=user)
    yield "list", users.list(role="member", page_size=10, current_page=0)
    yield "update", users.update(user_id=user, role="admin")

    invites = users.invites
    made = invites.create(
        email="invited@example.com",
        role="member",
        workspaces=[{"id": workspace, "role": "manager"}],
        workspace_api_key_details={"scopes": ["completions.write"]},
    )
    yield "invites.create", made
    yield "invites.retrieve", invites.retrieve(invite_id=made.id)
    yield "invites.list", invites.list(status="pending", role="member", email="invited@example.com", page_size=10)
    yield "invites.resend", invites.resend(invite_id=made.id)
    yield "invites.delete", invites.delete(invite_id=made.id)

    yield "delete", users.delete(user_id=user)


if __name__ == "__main__":
    faulthandler.dump_traceback_later(DEADLINE_S, exit=True)
    told = json.load(sys.stdin)
    connected = Portkey(api_key=told["key"], base_url=os.environ["TURNPIKE_BASE_URL"])
    print(json.dumps({step: dump(returned) for step, returned in walk(connected, told["workspace"], told["user"])}))
