"""A container's health check: `probe.py PORT` exits 0 if /health answers 200 on that port."""

import http.client
import sys


def main(port: int) -> int:
    """The exit code that Docker asks for: 0 healthy, 1 not."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", "/health")
        return 0 if connection.getresponse().status == 200 else 1
    except (OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"{type(error).__name__}\n")
        return 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
