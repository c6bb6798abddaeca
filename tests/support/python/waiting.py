"""Waiting in tests: for what they count, and only where a time is what is tested for a time."""
import time


def wait_for(what, condition, seconds=30.0, interval=0.02):
    """Asks again and again until `condition()` is true, and returns what it gives.

    AssertionError with `what` (a text, or a function that gives one) when it is not within `seconds`, which are so many
    that a busy machine does not exceed them: a test that passes does not wait for them.
    """
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() >= end:
            raise AssertionError(f"not within {seconds:g} s: {what() if callable(what) else what}")
        time.sleep(interval)
    return value


def let_pass(seconds):
    """Lets a time pass. Only for tests of a time itself: a pause, a rate, how long a fault lasts, or nothing that happens."""
    time.sleep(seconds)
