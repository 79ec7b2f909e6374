"""Verifies a webhook as its receiver does, with the library of Standard Webhooks.

One JSON object comes on standard input: `secret`; `headers`; `body`, as text. The body's JSON goes to standard output.
"""

import json
import sys

from standardwebhooks.webhooks import Webhook

asked = json.load(sys.stdin)
print(json.dumps(Webhook(asked["secret"]).verify(asked["body"], asked["headers"])))
