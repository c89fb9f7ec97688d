"""Put and Delete Message: the two calls that every event costs, without the SDK's models.

The SDK's client spends two thirds of such a call on building and reading objects that nobody
looks at here. Transport, signature and errors are the SDK's own.
"""

from __future__ import annotations

import base64
from email.utils import formatdate
from typing import Any
from urllib.parse import quote, urlencode

from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError
from azure.core.pipeline import AsyncPipeline
from azure.core.pipeline.policies import AsyncBearerTokenCredentialPolicy, SansIOHTTPPolicy
from azure.core.pipeline.transport import AioHttpTransport
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.storage.queue.aio import QueueClient

_SCOPE = "https://storage.azure.com/.default"
_BODY = "<QueueMessage><MessageText>{}</MessageText></QueueMessage>"
_CREATED, _GONE, _SERVER_ERROR = 201, 204, 500
_TRIES = 2


class Wire:
    """The hot calls of one queue, for one event loop; raises what the SDK's client raises.

    `client` tells where the queue is and who we are; `options` are the transport's time-outs.
    """

    def __init__(self, client: QueueClient, **options: Any) -> None:
        self._url, _, self._signature = client.url.partition("?")
        self._version = client.api_version
        self._pipeline: AsyncPipeline[HttpRequest, AsyncHttpResponse] = AsyncPipeline(
            AioHttpTransport(**options), _signers(client.credential)
        )

    async def put(self, text: str) -> None:
        """Put a message into the queue for ever, base64 inside."""
        body = _BODY.format(base64.b64encode(text.encode()).decode())
        await self._call(_CREATED, "POST", "messages", {"messagettl": "-1"}, body)

    async def delete(self, message_id: str, receipt: str) -> None:
        """Take a message out of the queue."""
        path = f"messages/{quote(message_id, safe='')}"
        await self._call(_GONE, "DELETE", path, {"popreceipt": receipt})

    async def close(self) -> None:
        """Give the connections back."""
        await self._pipeline.__aexit__()

    async def _call(
        self, due: int, method: str, path: str, query: dict[str, str], body: str | None = None
    ) -> None:
        """Call, and once more where a connection broke or the service stumbled."""
        parts = filter(None, (urlencode(query), self._signature))
        url = f"{self._url}/{path}?{'&'.join(parts)}"
        for tries_left in reversed(range(_TRIES)):
            try:
                response = await self._answer(method, url, body)
            except (ServiceRequestError, ServiceResponseError):
                if not tries_left:
                    raise
                continue
            if response.status_code == due:
                return
            if response.status_code < _SERVER_ERROR or not tries_left:
                raise HttpResponseError(response=response)

    async def _answer(self, method: str, url: str, body: str | None) -> AsyncHttpResponse:
        headers = {"x-ms-version": self._version, "x-ms-date": formatdate(usegmt=True)}
        if body is not None:
            headers["Content-Type"] = "application/xml"
        request = HttpRequest(method, url, headers=headers, content=body)
        return (await self._pipeline.run(request)).http_response


def _signers(credential: Any) -> list[Any]:
    """Who signs a request: the shared key's policy, a token's, or nobody (the URL is signed)."""
    if credential is None or isinstance(credential, SansIOHTTPPolicy):
        return [credential] if credential else []
    return [AsyncBearerTokenCredentialPolicy(credential, _SCOPE)]
