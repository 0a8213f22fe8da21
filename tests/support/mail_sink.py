#!/usr/bin/python3
"""A mail server for development and tests: keeps every accepted mail as a file, and misbehaves when told to.

FOLDER/inbox/NNNNNN.eml holds one mail: a line `X-Envelope: {"from", "to", "received"}`, then the mail as it came.
FOLDER/control holds one line, read for each mail:

    accept          the normal case
    refuse CODE     answers with this code instead of storing (451 may be tried again, 550 is final)
    delay SECONDS   stores, and answers that much later
    drop            cuts the connection and stores nothing
    lose            stores, and cuts the connection before it answers
"""

import argparse
import asyncio
import datetime
import json
import signal
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP

SIZE_MAX = 10_000_000  # bytes of one mail


class Sink:
    """aiosmtpd's handler."""

    def __init__(self, folder):
        self.folder = folder
        self.inbox = folder / "inbox"
        self.inbox.mkdir(exist_ok=True)
        self.count = max((int(path.stem) for path in self.inbox.glob("*.eml")), default=0)

    def behaviour(self):
        """(mode, detail) from the control file."""
        try:
            words = (self.folder / "control").read_text().split()
        except OSError:
            words = []
        return (words + ["accept", ""])[0], (words[1] if len(words) > 1 else "")

    def store(self, envelope):
        """Writes the mail beside its place and renames it, so that readers see whole mails only."""
        self.count += 1
        received = datetime.datetime.now(datetime.timezone.utc).isoformat()
        head = json.dumps({"from": envelope.mail_from, "to": envelope.rcpt_tos, "received": received})
        draft = self.inbox / f"{self.count:06}.new"
        draft.write_bytes(b"X-Envelope: " + head.encode() + b"\r\n" + envelope.original_content)
        draft.rename(draft.with_suffix(".eml"))

    async def handle_DATA(self, server, session, envelope):  # aiosmtpd's name
        mode, detail = self.behaviour()
        if mode == "refuse":
            return f"{detail or 451} told to refuse"
        if mode != "drop":
            self.store(envelope)
        if mode in ("drop", "lose"):
            server.transport.abort()
        if mode == "delay":
            await asyncio.sleep(float(detail or 1))
        return "250 kept"


async def serve(address, port, folder):
    sink = Sink(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(sink, hostname="mail.local", data_size_limit=SIZE_MAX,
                                                   enable_SMTPUTF8=True), address, port)
    async with server:
        await server.serve_forever()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--listen", default="127.0.0.1", help="address (default %(default)s)")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # as the first process of a container it would not end else
    asyncio.run(serve(options.listen, options.port, options.folder))


if __name__ == "__main__":
    main()
