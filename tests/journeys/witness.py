"""What everybody can see: mails and the records of the topics."""

import email
import email.policy

from support import records, stack

MERCHANT = "merchant@waybill.example"


class Mail:
    """A mail that went out: `to`, `subject`, `text`, `id`."""

    def __init__(self, envelope):
        message = email.message_from_bytes(envelope["content"], policy=email.policy.default)
        self.to = envelope["to"]
        self.sender = envelope["from"]
        self.subject = message["Subject"]
        self.id = message["Message-ID"]
        body = message.get_body(("plain",))
        self.text = body.get_content() if body else ""

    def __repr__(self):
        return f"{self.subject!r} to {', '.join(self.to)}"


def mails_to(address):
    """What the mail server has accepted for an address, oldest first."""
    return [Mail(each) for each in stack().mail.messages() if address in each["to"]]


class Event:
    """A record of a topic: `type` ("order.placed"), `sequence`, `id`, `key`, `value`, `headers`."""

    def __init__(self, record):
        self.headers = record["headers"]
        self.key = record["key"]
        self.value = record["value"]
        self.id = self.headers["ce_id"]
        self.type = self.headers["ce_type"].removeprefix("waybill.").rpartition(".v")[0]
        self.sequence = int(self.headers["ce_sequence"])

    def __repr__(self):
        return f"{self.key} {self.sequence} {self.type}"


def events(topic, key=None):
    """The events of a topic ("order") or of one of its keys, each once, in order."""
    found = {}
    for record in records(f"waybill.{topic}"):
        if key is None or record["key"] == key:
            event = Event(record)
            found.setdefault(event.id, event)
    return list(found.values())


def event_types(topic, key):
    return [event.type for event in events(topic, key)]
