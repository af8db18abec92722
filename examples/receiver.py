"""A receiver that verifies what it gets: `python examples/receiver.py`.

Needs `pip install standardwebhooks` and the endpoint's secret in WEBHOOK_SECRET. Listens on
127.0.0.1, port 9000 or PORT. It remembers nothing: a real one drops a `webhook-id` it has seen.
"""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to what is genuine and 401 to everything else."""

    def do_POST(self) -> None:
        """Verify the raw body, then read it."""
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            Webhook(os.environ["WEBHOOK_SECRET"]).verify(body, dict(self.headers))
        except WebhookVerificationError:
            self.send_error(401)
            return
        event = json.loads(body)
        print(event["data"]["sequence"], event["type"], event["id"], flush=True)
        self.send_response(204)
        self.end_headers()


ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "9000"))), Receiver).serve_forever()
