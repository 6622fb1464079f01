"""Limit how often a client may ask."""

import math
import time


class RateLimit:
    """A number of requests per minute and client address; a minute begins with the first.

    Each of several processes counts by itself.
    """

    def __init__(self, per_minute: int):
        # Imported late: it takes a while, and by default there is no limit.
        from limits import RateLimitItemPerMinute
        from limits.storage import MemoryStorage
        from limits.strategies import FixedWindowRateLimiter

        self.per_minute = per_minute
        self._limit = RateLimitItemPerMinute(per_minute)
        self._requests = FixedWindowRateLimiter(MemoryStorage())

    def seconds_to_wait(self, client: str, n: int = 1) -> int:
        """Count `n` requests; return 0 if they may be answered, else the seconds until a next
        try."""
        if self._requests.hit(self._limit, client, cost=n):
            return 0
        begins_anew, _ = self._requests.get_window_stats(self._limit, client)
        return max(1, math.ceil(begins_anew - time.time()))
