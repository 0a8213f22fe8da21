"""The people of a shop, as clients of its gateways: shopper, clerk, warehouse, finance, carrier, ERP.

Each method is one request and gives the answer's body; whatever isn't 2xx is raised as Refused. Whoever needs the whole
answer asks the person's `door`. A person may be used by several threads at once: connections are kept and reused, and
spread over the copies of the gateway.

    shopper = Shopper()
    shopper.add("CUP-BLUE", 2)
    shopper.check_out(payment="bank_transfer")
    placement = shopper.place()
"""

from door import Door, Refused, new_key
from hosted_page import CHALLENGED_CARD, DECLINED_CARD, GOOD_CARD, HostedPage
from partners import Carrier, Erp, await_in_carts, new_tracking_number, signature
from shopper import ADDRESS_DE, ADDRESS_GB, ADDRESS_US, Shopper
from staff import Clerk, Finance, Staff, Warehouse
from witness import MERCHANT, Event, Mail, event_types, events, mails_to

__all__ = ["ADDRESS_DE", "ADDRESS_GB", "ADDRESS_US", "CHALLENGED_CARD", "DECLINED_CARD", "GOOD_CARD", "MERCHANT",
           "Carrier", "Clerk", "Door", "Erp", "Event", "Finance", "HostedPage", "Mail", "Refused", "Shopper", "Staff",
           "Warehouse", "await_in_carts", "event_types", "events", "mails_to", "new_key", "new_tracking_number",
           "signature"]
