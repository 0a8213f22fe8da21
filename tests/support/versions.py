"""The versions that a reader of the event topics finds: the first occurrences of every key are 1..n, in order."""


def sequence(record):
    return int(record["headers"]["ce_sequence"])


def by_key(topic_records):
    """The records of each key, in order."""
    found = {}
    for record in topic_records:
        found.setdefault(record["key"], []).append(record)
    return found


def first_occurrences(key_records):
    """Without what came before: by its id. A repeat may come late, when newer events were told already."""
    first = {}
    for record in key_records:
        first.setdefault(record["headers"]["ce_id"], record)
    return list(first.values())


def is_in_order(key_records):
    numbers = [sequence(record) for record in first_occurrences(key_records)]
    return numbers == list(range(1, len(numbers) + 1))
