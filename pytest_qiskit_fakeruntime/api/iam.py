"""IAM: tokens for API keys."""

from __future__ import annotations

from ..world.world import World
from . import auth, errors
from .message import Request, Response
from .routing import Context, Operation

GRANT = "urn:ibm:params:oauth:grant-type:apikey"


def get_token(world: World, request: Request, context: Context) -> Response:
    """``POST /identity/token``: exchange an API key for a bearer token.

    Differs from the service: only the API-key grant is served; the token is signed with a
    secret of the fake (HS256), which nobody but the fake can verify.
    """
    api_key = request.form.get("apikey", "")
    if request.form.get("grant_type") != GRANT:
        return errors.of_iam("BXNIM0108E", "Property grant_type is not supported.", context.trace)
    if not api_key:
        return errors.of_iam("BXNIM0109E", "Property missing or empty: apikey.", context.trace)
    if not world.accounts.accepts(api_key):
        return errors.of_iam("BXNIM0415E", "Provided API key could not be found.", context.trace)
    token, expires = auth.issue_token(world, api_key, context.trace)
    return Response.of_json(
        {
            "access_token": token,
            "refresh_token": "not_supported",
            "token_type": "Bearer",
            "expires_in": auth.LIFETIME,
            "expiration": expires,
            "scope": "ibm openid",
        }
    )


OPERATIONS = (Operation("get_token", "iam", "POST", "/identity/token", get_token, open=True),)
