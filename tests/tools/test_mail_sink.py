#!/usr/bin/env python3
"""The mail server of tests and demos: it keeps every accepted mail as it came, and misbehaves only when told to."""

import concurrent.futures
import smtplib
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "deploy/local"), str(ROOT / "tests/support")]

import mail_sink
from infrastructure import Mail

FROM, TO = "shop@example.com", ["ada@example.com", "bob@example.com"]
TEXT = b"Subject: Hi\r\n\r\none\r\n.\r\n..two\r\n\r\nX-Envelope: {}\r\n"


class MailSinkTest(unittest.TestCase):
    def setUp(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.mail = Mail(folder)
        self.server = self.enterContext(mail_sink.Server(("127.0.0.1", 0), mail_sink.Conversation))
        self.server.inbox = mail_sink.Inbox(folder)
        threading.Thread(target=self.server.serve_forever, args=(0.05,)).start()
        self.addCleanup(self.server.shutdown)

    def client(self):
        return self.enterContext(smtplib.SMTP(*self.server.server_address))

    def test_a_mail_is_kept_as_it_came(self):
        self.assertEqual(self.mail.messages(), [])
        self.client().sendmail(FROM, TO, TEXT)
        [mail] = self.mail.messages()
        self.assertEqual((mail["from"], mail["to"], mail["content"]), (FROM, TO, TEXT))
        self.assertIn("+00:00", mail["received"])

    def test_many_over_many_connections_stay_apart(self):
        def send(who):
            with smtplib.SMTP(*self.server.server_address) as client:
                for number in range(50):
                    client.sendmail(FROM, TO, TEXT + b"%d %d\r\n" % (who, number) * (number * 40 + 1))

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(send, range(4)))
        self.assertEqual(sorted(mail["content"] for mail in self.mail.messages()),
                         sorted(TEXT + b"%d %d\r\n" % (who, number) * (number * 40 + 1)
                                for who in range(4) for number in range(50)))

    def test_what_was_forgotten_is_gone_and_the_next_is_kept(self):
        client = self.client()
        client.sendmail(FROM, TO, TEXT)
        self.mail.clear()
        self.assertEqual(self.mail.messages(), [])
        client.sendmail(FROM, TO, TEXT)
        self.assertEqual(len(self.mail.messages()), 1)

    def test_a_mail_that_is_half_written_is_not_there_yet(self):
        self.client().sendmail(FROM, TO, TEXT)
        with open(self.mail.mails, "ab") as file:
            file.write(self.mail.mails.read_bytes()[:-20])
        self.assertEqual(len(self.mail.messages()), 1)

    def test_told_to_refuse_it_keeps_nothing(self):
        client = self.client()
        for code in (451, 550):
            self.mail.behave("refuse", code)
            with self.assertRaises(smtplib.SMTPDataError) as refusal:
                client.sendmail(FROM, TO, TEXT)
            self.assertEqual(refusal.exception.smtp_code, code)
        self.assertEqual(self.mail.messages(), [])

    def test_told_to_drop_it_keeps_nothing_and_told_to_lose_it_keeps_the_mail(self):
        for mode, kept in (("drop", 0), ("lose", 1)):
            self.mail.behave(mode)
            with self.assertRaises(smtplib.SMTPServerDisconnected):
                self.client().sendmail(FROM, TO, TEXT)
            self.assertEqual(len(self.mail.messages()), kept)

    def test_told_to_delay_it_answers_later(self):
        self.mail.behave("delay", 0.3)
        began = time.monotonic()
        self.client().sendmail(FROM, TO, TEXT)
        self.assertGreaterEqual(time.monotonic() - began, 0.3)

    def test_what_is_too_large_is_refused(self):
        client = self.client()
        client.ehlo()
        client.esmtp_features.pop("size")  # so that the client does not say it beforehand
        with self.assertRaises(smtplib.SMTPDataError) as refusal:
            client.sendmail(FROM, TO, b"Subject: Hi\r\n\r\n" + b"x" * 70 * 1024 * 200)
        self.assertEqual(refusal.exception.smtp_code, 552)
        client.sendmail(FROM, TO, TEXT)
        self.assertEqual(len(self.mail.messages()), 1)

    def test_commands_out_of_order_are_refused(self):
        client = self.client()
        self.assertEqual([client.docmd(line)[0] for line in (
            "RCPT TO:<a@b>", "DATA", "MAIL FROM", "MAIL FROM:<a@b>", "MAIL FROM:<a@b>", "DATA", "RSET", "MAIL FROM:<>",
            "RCPT TO:<>", "RCPT TO:<a@b>", "NOOP", "WHAT")], [503, 503, 501, 250, 503, 503, 250, 250, 501, 250, 250, 500])


if __name__ == "__main__":
    unittest.main()
