"""Errors of REST as docs/rest.md has them."""

import requests

from server_process import SOURCE

TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}

DOCUMENTED = (SOURCE / "docs/rest.md").read_text()


def check(
    response: requests.Response, status: int, code: str | None = None, param: str | None = None
) -> None:
    """That the answer is this error, in the form that all have."""
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert list(error) == ["message", "type", "param", "code"]
    assert error["message"]
    assert error["type"] == TYPES.get(
        status, "invalid_request_error" if status < 500 else "server_error"
    )
    assert (error["code"], error["param"]) == (code, param)
    headers = response.headers
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Request-Id"]
    assert ("Retry-After" in headers) == (status in (429, 503))
    assert int(headers.get("Retry-After", 1)) >= 1
    later = status in (429, 503, 504) or code == "job_not_finished"
    assert headers.get("x-should-retry") == (None if later else "false")
    assert headers.get("WWW-Authenticate") == ("Bearer" if status == 401 else None)
    rows = [row for row in DOCUMENTED.splitlines() if row.startswith(f"| {status} |")]
    assert any(f"`{code}`" in row if code else "| – |" in row for row in rows), (status, code)
