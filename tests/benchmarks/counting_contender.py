"""A contender that writes down how it was run."""

import os
import threading


def make(folder):
    def run(count):
        with (folder / "runs").open("a") as runs:
            runs.write(f"{os.getpid()}:{count}\n")

    return run


def stay(folder):
    threading.Thread(target=threading.Event().wait).start()  # its process waits for it, for ever
    return make(folder)


def refuse(_folder):
    raise ValueError("not today")
