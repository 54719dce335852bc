"""Tokens, and who a request comes from."""

from __future__ import annotations

import hashlib
from typing import Any

import jwt

from ..world.accounts import CRN, InvalidCRN, user_of
from ..world.world import Caller, Refusal, World
from .message import Request

LIFETIME = 3600
"""Seconds that a token is valid, as IAM's."""

_ALGORITHM = "HS256"
_SECRET = hashlib.sha256(b"pytest-qiskit-fakeruntime").digest()
"""One for every fake, so that a client which was made under an outer one works in an inner."""


def issue_token(world: World, api_key: str, trace: str) -> tuple[str, int]:
    """A signed JWT for an API key, and when it expires (seconds since the epoch).

    ``iat`` and ``exp`` are integers by the service's clock: the IBM SDK decides by them when
    it asks for the next token.
    """
    issued = int(world.clock.time())
    user = user_of(api_key)
    claims: dict[str, Any] = {
        "iam_id": user,
        "sub": user,
        "jti": trace,
        "account": {"valid": True, "bss": sorted(world.accounts.ids)},
        "iat": issued,
        "exp": issued + LIFETIME,
        "iss": "https://iam.cloud.ibm.com/identity",
        "grant_type": "urn:ibm:params:oauth:grant-type:apikey",
        "scope": "ibm openid",
    }
    return jwt.encode(claims, _SECRET, algorithm=_ALGORITHM), issued + LIFETIME


class Authenticator:
    """Checks the credentials of requests; each token's signature is checked once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._verified: dict[str, dict[str, Any]] = {}

    def user(self, request: Request) -> str:
        """The user a request comes from.

        ``Authorization: Bearer <token>`` and ``Authorization: apikey <key>`` are both
        accepted, as by the service.

        Raises:
            Refusal: If the credentials are missing, wrong, withdrawn or expired.
        """
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "apikey":
            if not self._world.accounts.accepts(credentials.strip()):
                raise Refusal("not_authenticated", why="the API key is not known")
            return user_of(credentials.strip())
        if scheme.lower() != "bearer":
            raise Refusal("not_authenticated", why="no credentials were given")
        claims = self._claims(credentials.strip())
        if claims["exp"] <= self._world.clock.time():
            raise Refusal("not_authenticated", why="the token has expired")
        return str(claims["sub"])

    def _claims(self, token: str) -> dict[str, Any]:
        if token not in self._verified:
            try:
                # Expiry is checked on every call, and by the service's clock.
                self._verified[token] = jwt.decode(
                    token,
                    _SECRET,
                    algorithms=[_ALGORITHM],
                    options={
                        "verify_exp": False,
                        "verify_iat": False,
                        "verify_aud": False,
                        "require": ["exp", "sub"],
                    },
                )
            except jwt.InvalidTokenError as error:
                raise Refusal("not_authenticated", why="the token is not valid") from error
        return self._verified[token]

    def caller(self, request: Request, region: str | None) -> Caller:
        """Who asks, for calls of the runtime API.

        Raises:
            Refusal: If the credentials are not good, or the instance is not the caller's, is
                not known, or lies in another region than the host stands for.
        """
        user = self.user(request)
        text = request.headers.get("service-crn", "")
        try:
            crn = CRN.parse(text)
        except InvalidCRN as error:
            raise Refusal("validation", why=f"Service-CRN: {error}") from None
        if crn.account not in self._world.accounts.ids:
            raise Refusal("not_authorized", crn=text)
        instance = self._world.accounts.instances.get(text)
        if instance is None or (region is not None and instance.region != region):
            raise Refusal("instance_not_found", crn=text)
        if not instance.admits(user):
            raise Refusal("not_authorized", crn=text)
        return Caller(instance, user)
