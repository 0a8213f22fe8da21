"""What no log of a process may say, whatever the tests saw."""

import re

SANITIZER_REPORT = re.compile(r"ERROR: \w+Sanitizer|runtime error: |LeakSanitizer has encountered a fatal error")
DEADLOCK = re.compile(r"deadlock detected")
REPORT_MAX = 8000  # characters


def reports(folder, pattern):
    """(name of the process, what its log says from the first match on) for each log that has one."""
    for log in sorted(folder.glob("*.log*")):
        text = log.read_text(errors="replace")
        found = pattern.search(text)
        if found:
            yield log.name.partition(".log")[0], text[found.start():][:REPORT_MAX]
