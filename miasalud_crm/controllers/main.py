import json

from odoo import http
from odoo.exceptions import AccessError, ValidationError
from odoo.http import request
from werkzeug.exceptions import RequestEntityTooLarge

from ..const import MAX_BODY_BYTES


class ManychatBridgeController(http.Controller):
    """A door for the bridge: authenticate, call one model method, answer."""

    @http.route(
        "/miasalud/bridge/sync",
        type="http",
        auth="bearer",
        methods=["POST"],
        csrf=False,
        save_session=False,
        # A chunked body announces no length and is cut here: one byte more shows it.
        max_content_length=MAX_BODY_BYTES + 1,
    )
    def sync(self):
        """Take ``{"events": [...]}`` and answer ``{"results": [...]}``, one an event.

        Without a valid key it answers 401, to another user than the bridge's 403, to a body that
        is too large 413, to one that is no batch 422; nothing was applied then.
        """
        try:
            data = request.httprequest.get_data()
        except RequestEntityTooLarge:
            data = None
        if data is None or len(data) > MAX_BODY_BYTES:
            return self._answer({"error": "body too large"}, 413)
        try:
            body = json.loads(data)
        except (ValueError, RecursionError):
            return self._answer({"error": "body is not JSON"}, 422)
        if not isinstance(body, dict) or "events" not in body:
            return self._answer({"error": "an object with events is due"}, 422)
        return self._call("results", "manychat_sync", body["events"])

    @http.route(
        "/miasalud/bridge/health",
        type="http",
        auth="bearer",
        methods=["GET"],
        csrf=False,
        save_session=False,
    )
    def health(self):
        return self._call("health", "manychat_health")

    def _call(self, name, method, *args):
        try:
            return self._answer({name: getattr(request.env["crm.lead"], method)(*args)})
        except AccessError:
            return self._answer({"error": "not the bridge's user"}, 403)
        except ValidationError as error:
            return self._answer({"error": str(error)}, 422)

    def _answer(self, body, status=200):
        return request.make_json_response(body, status=status)
