"""What schemathesis sends where what it makes up would only ever be refused."""

import base64

import schemathesis
from hypothesis import strategies

from pictures import SMALL

schemathesis.openapi.format("binary", strategies.just(SMALL))
schemathesis.openapi.format("byte", strategies.just(base64.b64encode(SMALL).decode()))


@schemathesis.hook
def before_call(context, case, kwargs):
    """Names no model, as the served one's name is in no description, and one picture, as some
    phases send all fields that there are."""
    if isinstance(case.body, dict):
        case.body.pop("model", None)
        pictures = [name for name in ("image", "image[]", "file") if name in case.body]
        for name in pictures[1:]:
            case.body.pop(name)
