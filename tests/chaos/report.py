"""What a run tells: how to have it again, what happened, and the verdict."""

import collections

from judge import explained

SHOWN = 20  # findings of each rule


def head(plan, variant):
    return (f"chaos: seed {plan.seed}, {plan.minutes:g} minutes, variant {variant}\n"
            f"again: make chaos SEED={plan.seed} MINUTES={plan.minutes:g} FAULTS={','.join(plan.kinds)}\n{plan}")


def course(rig):
    """What was done, and when it really was: a busy machine lags behind the plan."""
    return "\n".join(f"{at:6.1f} s  {what}" for at, what in rig.trace)


def counts(evidence, rig):
    outcomes = collections.Counter(purchase.outcome for purchase in evidence.purchases)
    unknown = [purchase for purchase in evidence.purchases if purchase.outcome == "unknown"]
    became = sum(purchase.checkout_id in evidence.orders for purchase in unknown)
    faults = collections.Counter(fault.kind for fault in rig.happened)
    again = sum(count - 1 for count in evidence.mails_came.values())
    tried = sum(mail["attempts"] > 1 for mail in evidence.mails_sent.values())
    doubts = sum(".unknown." in record["headers"]["ce_type"] for record in evidence.records.get("waybill.payment", ()))
    read = sum(map(len, evidence.records.values()))
    ids = {record["headers"]["ce_id"] for records in evidence.records.values() for record in records}
    cancelled = sum(order["cancelled"] for order in evidence.orders.values())
    told = collections.Counter(parcel.told for parcel in evidence.parcels)
    reasons = collections.Counter(purchase.why for purchase in evidence.purchases if purchase.outcome == "refused")
    return "\n".join([
        f"purchases: {len(evidence.purchases)}: {outcomes['done']} done, {outcomes['refused']} refused "
        f"({listed(reasons)}), "
        f"{outcomes['unknown']} unknown, {outcomes['unserved']} never placed",
        f"unknown became: {became} orders, {len(unknown) - became} none",
        f"orders: {len(evidence.orders)}, {cancelled} of them cancelled",
        f"parcels: {len(evidence.parcels)}: {listed(told)}",
        f"events: {len(ids)}, {read - len(ids)} repeated; the provider's answer was missing {doubts} times",
        f"mails: {len(evidence.mails_came)}, {tried} tried more than once, {again} repeated",
        f"faults: {sum(faults.values())}, {rig.mishaps} not as planned: {listed(faults)}",
    ])


def listed(counter):
    return ", ".join(f"{what} {count}" for what, count in sorted(counter.items())) or "none"


def verdict(evidence, findings):
    lines = [f"explained: {item['service']} {item['kind']} {item['subject']}" for item in explained(evidence)]
    by_rule = collections.defaultdict(list)
    for finding in findings:
        by_rule[finding.rule].append(finding)
    for rule, found in by_rule.items():
        lines.append(f"NOT TRUE: {rule} ({len(found)})")
        lines += [f"  {finding}" for finding in found[:SHOWN]]
    found = f"guilty, {len(findings)} findings" if findings else "nothing lost, doubled or stranded"
    lines.append(f"verdict: {found}")
    return "\n".join(lines)
