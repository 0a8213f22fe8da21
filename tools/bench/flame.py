"""Flame graphs of where a machine's CPU goes while shoppers buy: sampled by perf, drawn by inferno (`cargo install inferno`)."""

import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

HERTZ = 199
STACK_BYTES = 8192  # of each sample's stack, for unwinding by DWARF: Debian's programs keep no frame pointers
LEAST_WIDTH = "0.15"  # per cent of the whole; what is narrower is left out
TOOLS = ("perf", "inferno-collapse-perf", "inferno-flamegraph")


def missing():
    return [tool for tool in TOOLS if not shutil.which(tool)]


def draw(into, title, load, after, seconds):
    """Draws what the machine did for so many seconds of a load, which is a function, from so many on."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        samples = Path(folder) / "samples"
        running = threading.Thread(target=load)
        running.start()
        running.join(after)
        subprocess.run(["perf", "record", "--quiet", "--all-cpus", "--event", "cpu-clock", "--freq", str(HERTZ), "--call-graph",
                        f"dwarf,{STACK_BYTES}", "--output", samples, "--", "sleep", str(seconds)], check=True)
        running.join()
        with open(Path(folder) / "script", "wb") as script:
            subprocess.run(["perf", "script", "--no-inline", "--input", samples], stdout=script, stderr=subprocess.DEVNULL,
                           check=True)
        with open(Path(folder) / "script", "rb") as script, open(Path(folder) / "folded", "wb") as folded:
            subprocess.run(["inferno-collapse-perf"], stdin=script, stdout=folded, check=True)
        with open(Path(folder) / "folded", "rb") as folded, open(into, "wb") as drawing:
            subprocess.run(["inferno-flamegraph", "--title", title, "--minwidth", LEAST_WIDTH, "--hash"], stdin=folded,
                           stdout=drawing, check=True)
