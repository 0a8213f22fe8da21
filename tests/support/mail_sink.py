#!/usr/bin/python3
"""A mail server for development and tests: keeps every accepted mail, and misbehaves when told to.

FOLDER/inbox/mails holds the mails, one behind the other: a line `X-Envelope: {"from", "to", "received", "size"}`, the
mail as it came, of `size` bytes, and an empty line. FOLDER/control holds one line, read for each mail:

    accept          the normal case
    refuse CODE     answers with this code instead of storing (451 may be tried again, 550 is final)
    delay SECONDS   stores, and answers that much later
    drop            cuts the connection and stores nothing
    lose            stores, and cuts the connection before it answers

A thread for each connection: with few clients that keep theirs it costs less than anything that waits for all at once.
"""

import argparse
import datetime
import json
import os
import signal
import socketserver
import sys
import time
from pathlib import Path

LINE_MAX = 4096  # bytes of a command
SIZE_MAX = 10_000_000  # bytes of one mail
GREETING = f"250-mail.local\r\n250-SIZE {SIZE_MAX}\r\n250-8BITMIME\r\n250 SMTPUTF8"


class Inbox:
    def __init__(self, folder):
        self.control = folder / "control"
        path = folder / "inbox" / "mails"
        path.parent.mkdir(exist_ok=True)
        self.mails = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def behaviour(self):
        """(mode, detail) from the control file."""
        try:
            control = os.open(self.control, os.O_RDONLY)
        except OSError:
            return "accept", ""
        words = os.read(control, 100).decode().split()
        os.close(control)
        return (words + ["accept", ""])[0], (words[1] if len(words) > 1 else "")

    def store(self, sender, recipients, content):
        """Appends a mail by one write: those of several threads stay apart."""
        received = datetime.datetime.now(datetime.timezone.utc).isoformat()
        head = json.dumps({"from": sender, "to": recipients, "received": received, "size": len(content)})
        os.write(self.mails, b"X-Envelope: %s\r\n%s\r\n" % (head.encode(), content))


class Conversation(socketserver.StreamRequestHandler):
    """One connection. The method of a command returns the answer, or None to hang up."""

    disable_nagle_algorithm = True

    def handle(self):
        self.reset()
        self.say("220 mail.local")
        while line := self.rfile.readline(LINE_MAX):
            answer = COMMANDS.get(line[:4].upper(), Conversation.unknown)(self, line)
            if answer is None:
                return
            self.say(answer)

    def say(self, line):
        self.connection.sendall(line.encode() + b"\r\n")

    def reset(self, _=None):
        self.sender, self.recipients = None, []
        return "250 ok"

    def hello(self, _):
        self.reset()
        return GREETING

    def mail(self, line):
        if self.sender is not None:
            return "503 one mail at a time"
        self.sender = address_in(line)
        return "250 ok" if self.sender is not None else "501 MAIL FROM:<address>"

    def rcpt(self, line):
        recipient = address_in(line)
        if self.sender is None:
            return "503 MAIL comes first"
        if not recipient:
            return "501 RCPT TO:<address>"
        self.recipients.append(recipient)
        return "250 ok"

    def data(self, _):
        if not self.recipients:
            return "503 RCPT comes first"
        self.say("354 end with a dot")
        content = self.read_mail()
        sender, recipients = self.sender, self.recipients
        self.reset()
        if content is None:
            return None
        return self.judge(sender, recipients, content) if len(content) <= SIZE_MAX else "552 too large"

    def read_mail(self):
        """The mail without the dots that the protocol adds, cut off behind SIZE_MAX; None: the connection ended."""
        lines, size = [], 0
        while (line := self.rfile.readline(SIZE_MAX)) != b".\r\n":
            if not line:
                return None
            if size <= SIZE_MAX:
                lines.append(line[1:] if line.startswith(b".") else line)
                size += len(lines[-1])
        return b"".join(lines)

    def judge(self, sender, recipients, content):
        inbox = self.server.inbox
        mode, detail = inbox.behaviour()
        if mode == "refuse":
            return f"{detail or 451} told to refuse"
        if mode != "drop":
            inbox.store(sender, recipients, content)
        if mode in ("drop", "lose"):
            return None
        if mode == "delay":
            time.sleep(float(detail or 1))
        return "250 kept"

    def noop(self, _):
        return "250 ok"

    def quit(self, _):
        self.say("221 bye")

    def unknown(self, _):
        return "500 what?"


COMMANDS = {b"EHLO": Conversation.hello, b"HELO": Conversation.hello, b"MAIL": Conversation.mail,
            b"RCPT": Conversation.rcpt, b"DATA": Conversation.data, b"RSET": Conversation.reset,
            b"NOOP": Conversation.noop, b"QUIT": Conversation.quit}


def address_in(line):
    """What stands between < and >, or None."""
    before, begin, rest = line.partition(b"<")
    address, end, _ = rest.partition(b">")
    return address.decode(errors="replace") if begin and end and b":" in before else None


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 100

    def handle_error(self, request, client_address):
        """A client that is gone is no news."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--listen", default="127.0.0.1", help="address (default %(default)s)")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # as the first process of a container it would not end else
    with Server((options.listen, options.port), Conversation) as server:
        server.inbox = Inbox(options.folder)
        server.serve_forever()


if __name__ == "__main__":
    main()
