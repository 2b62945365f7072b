# SPDX-License-Identifier: Apache-2.0
"""Curves of losses, and when two of them are equal except for rounding."""
WINDOWS = 10


def windows(losses):
    """Means of ten parts, so that a single batch counts little."""
    size = max(len(losses) // WINDOWS, 1)
    return [sum(losses[i:i + size]) / size for i in range(0, size * (len(losses) // size), size)]


def distance(losses, reference):
    """The largest relative difference of the parts' means; infinite where one is not finite."""
    most = 0.0
    for a, b in zip(windows(losses), windows(reference), strict=True):
        difference = abs(a - b) / abs(b)
        if not difference <= most:
            most = difference if difference == difference else float("inf")
    return most


def falls(losses):
    """A curve that does not fall tests nothing."""
    parts = windows(losses)
    return parts[-1] < 0.95 * parts[0]
