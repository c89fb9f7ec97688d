"""How gunicorn serves the API. WEB_CONCURRENCY sets the number of worker processes (1)."""

from bridge.settings import load_settings

bind = f"0.0.0.0:{load_settings().port}"
worker_class = "bridge.api.lingering.LingeringWorker"

# A webhook is answered within 3 s; what is on its way when a stop comes may finish.
timeout = 60
graceful_timeout = 30
# Longer than the front ends keep an idle connection (App Service and Container Apps: 240 s), so
# that never a request meets a connection that is just being closed.
keepalive = 250

# Only the platform's front end can reach this port; it says which scheme the caller used.
forwarded_allow_ips = "*"

# The access log would hold ids in paths; the bridge logs what it accepts by itself.
accesslog = None

# It would be made in the home directory, which a container's user need not have.
control_socket_disable = True
