"""The hint to the bridge that the change feed has news: losing one loses nothing."""

import logging
import threading

import requests

from ..const import HINT_PATH, HINT_TIMEOUT_SECONDS
from .bridge_request import ask
from .bridge_url import UnsafeUrl

_logger = logging.getLogger(__name__)


class _Bell:
    """One hint is under way at a time; those that come meanwhile are one more after it."""

    def __init__(self):
        self._lock = threading.Lock()
        self._waiting = None
        self._busy = False

    def ring(self, bridge, key):
        """Send a hint in a thread of its own: nobody who saves a lead waits for the bridge."""
        with self._lock:
            self._waiting = (bridge, key)
            if self._busy:
                return
            self._busy = True
        threading.Thread(target=self._send, name="manychat-hint", daemon=True).start()

    def _send(self):
        while target := self._take():
            try:
                status, _body = ask(*target, method="POST")
            except (requests.RequestException, UnsafeUrl, ValueError) as error:
                _logger.debug("no hint to the bridge: %s", type(error).__name__)
            else:
                if status >= 400:
                    _logger.info("the bridge takes no hint: HTTP %s", status)

    def _take(self):
        with self._lock:
            taken, self._waiting = self._waiting, None
            self._busy = taken is not None
        return taken and (taken[0], HINT_PATH, taken[1], HINT_TIMEOUT_SECONDS)


ring = _Bell().ring
