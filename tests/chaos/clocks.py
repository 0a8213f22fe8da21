"""The clocks of our processes, each of which may be ahead or behind (common/clock_step.h)."""

import struct

from place import own


class Clocks:
    """One file for each process, which reads it whenever it asks for the time."""

    def __init__(self, stack, names):
        self._folder = stack.state / "clocks"
        self._names = names
        own(self._folder, stack.user)
        for name in names:
            (self._folder / name).write_bytes(bytes(8))

    def settings(self, name):
        return {"WAYBILL_TEST_CLOCK": str(self._folder / name)}

    def step(self, name, seconds):
        """In place: a process has the file mapped."""
        with open(self._folder / name, "r+b", buffering=0) as file:
            file.write(struct.pack("=q", seconds * 1_000_000))

    def set_all_right(self):
        for name in self._names:
            self.step(name, 0)
