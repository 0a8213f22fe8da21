"""The payment provider's page, as a browser without a script sees it."""

import html.parser
import urllib.error
import urllib.parse
import urllib.request

from door import TIMEOUT
from support import NO_REDIRECT

# The payment provider's test cards.
GOOD_CARD = "4242424242424242"
DECLINED_CARD = "4000000000000002"
CHALLENGED_CARD = "4000002500003155"  # asks for one more confirmation


class _Forms(html.parser.HTMLParser):
    """The alert and the forms of a page: action, and name and value of each field and button."""

    def __init__(self, text):
        super().__init__()
        self.alert = ""
        self.forms = []
        self._in_alert = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self._in_alert = values.get("role") == "alert"
        if tag == "form":
            self.forms.append({"action": values.get("action") or "", "fields": {}, "buttons": []})
        elif tag in ("input", "button") and self.forms and "name" in values:
            field = (values["name"], values.get("value") or "")
            if tag == "button" or values.get("type") == "submit":
                self.forms[-1]["buttons"].append(field)
            else:
                self.forms[-1]["fields"][field[0]] = field[1]

    def handle_endtag(self, tag):
        self._in_alert = False

    def handle_data(self, data):
        if self._in_alert:
            self.alert += data


class HostedPage:
    """The page that a placement redirects to, as a browser without a script sees it: `url`, `text`, `alert`, `forms`.
    `url` is where the browser is now; when it was sent to the shop's own return URL it stays there without loading."""

    def __init__(self, url):
        self.url = url
        self.text = self.alert = ""
        self.forms = []
        self.go(url)

    def go(self, url, data=None):
        """Loads a page, following redirects as long as they lead to pages that exist here."""
        for _ in range(10):
            self.url = url
            request = urllib.request.Request(url, data)
            try:
                with NO_REDIRECT.open(request, timeout=TIMEOUT) as answer:
                    self._show(answer.read().decode())
                    return self
            except urllib.error.HTTPError as error:
                with error:
                    if error.code not in (302, 303, 307):
                        self._show(error.read().decode(errors="replace"))
                        return self
                    url, data = urllib.parse.urljoin(url, error.headers["Location"]), None
            except urllib.error.URLError:
                return self  # the shop's own page, which needs not exist
        raise AssertionError(f"{self.url} redirects for ever")

    def submit(self, form=0, button=0, **fields):
        """Fills in a form and presses one of its buttons."""
        chosen = self.forms[form]
        values = chosen["fields"] | dict(chosen["buttons"][button:button + 1]) | fields
        return self.go(urllib.parse.urljoin(self.url, chosen["action"]), urllib.parse.urlencode(values).encode())

    def pay(self, number=GOOD_CARD):
        """Types a card number into the form that asks for one."""
        for index, form in enumerate(self.forms):
            for name in form["fields"]:
                if "number" in name or name == "card":
                    return self.submit(index, **{name: number})
        raise AssertionError(f"{self.url} asks for no card: {self.text[:2000]}")

    def _show(self, text):
        page = _Forms(text)
        self.text, self.alert, self.forms = text, page.alert.strip(), page.forms
