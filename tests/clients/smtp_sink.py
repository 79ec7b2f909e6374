"""A mail server that keeps what it is sent.

It asks for a user and a password, the two arguments, and first prints the port that it listens on. Then each mail is a line
of JSON: `from` and `to` of its envelope, `headers` and `text` as they are read. The first mail to an address that begins with
`busy` is refused for the time being, and every one to an address that begins with `gone` for good.
"""

import asyncio
import email
import email.policy
import json
import logging
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult

USER, PASSWORD = sys.argv[1:]

# That passwords come without TLS.
warnings.simplefilter("ignore")
logging.disable(logging.WARNING)


class Sink:
    def __init__(self):
        self.refused = set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("gone"):
            return "550 no such mailbox"
        if address.startswith("busy") and address not in self.refused:
            self.refused.add(address)
            return "451 later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        shown = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "headers": {name.lower(): str(value) for name, value in mail.items()},
            "text": mail.get_content(),
        }
        print(json.dumps(shown), flush=True)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    known = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=known, handled=False)


async def main():
    sink = Sink()

    def session():
        return SMTP(sink, authenticator=authenticate, auth_required=True, auth_require_tls=False)

    server = await asyncio.get_running_loop().create_server(session, host="127.0.0.1", port=0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
