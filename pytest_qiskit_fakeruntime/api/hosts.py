"""Which host is which service, and which hosts are IBM's at all.

The client derives every host from the account URL (``https://cloud.ibm.com`` unless the user
chose another): ``iam.<base>``, ``api.global-search-tagging.<base>``, ``globalcatalog.<base>``,
``resource-controller.<base>`` and ``[private.][<region>.]quantum.<base>`` (before 0.44 for some
channels ``[private.]<region>.quantum-computing.<base>``). A base that is not IBM's is known by
what only these services have in common: their host labels, and on runtime calls the headers
``Service-CRN`` and ``IBM-API-Version``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .message import Request

IBM_DOMAINS = ("cloud.ibm.com", "quantum.ibm.com", "quantum-computing.ibm.com")
"""Requests to these domains never leave the process."""

_SERVICES = (
    (re.compile(r"api\.global-search-tagging\."), "search", "/v3/resources/search"),
    (re.compile(r"globalcatalog\."), "catalog", "/api/v1/"),
    (re.compile(r"resource-controller\."), "resource-controller", "/v2/resource_instances"),
    (re.compile(r"(?:private\.)?iam\."), "iam", "/identity/token"),
)
"""Labels of the host, the service, and the path that gives it away where the host is not IBM's."""

_RUNTIME = re.compile(
    r"(?:private\.)?(?:(?P<region>[a-z]+-[a-z]+(?:-\d+)?)\.)?quantum(?:-computing)?\."
)
_PREFIX = re.compile(r"^.*?/v1(?=/|$)|^/api(?=/|$)")


@dataclass(frozen=True)
class Target:
    """Where a request is going.

    Attributes:
        service: ``iam``, ``search``, ``catalog``, ``resource-controller``, ``runtime``, or
            ``ibm`` for a host of IBM's that we know nothing about.
        path: Path below the service's base, as written (encoded).
        region: Region that the host stands for; ``None`` if the host does not say.
    """

    service: str
    path: str
    region: str | None = None


def is_ibm(host: str) -> bool:
    """Whether a host is one that must not be contacted while a fake runs."""
    name = host.lower().removesuffix(".")
    return name in IBM_DOMAINS or name.endswith(tuple(f".{domain}" for domain in IBM_DOMAINS))


def target_of(request: Request) -> Target | None:
    """Where a request is going; ``None`` if that is none of our business."""
    host = request.host.removesuffix(".")
    path = request.raw_path
    ibm = is_ibm(host)
    for labels, service, base in _SERVICES:
        if labels.match(host) and (ibm or path.startswith(base)):
            return Target(service, path)
    runtime = _RUNTIME.match(host)
    speaks_runtime = "service-crn" in request.headers and "ibm-api-version" in request.headers
    if runtime and (ibm or speaks_runtime or host.endswith(".localhost")):
        region = runtime["region"] or ("us-east" if ibm else None)
        return Target("runtime", _below_base(path), region)
    if speaks_runtime:
        return Target("runtime", _below_base(path))
    return Target("ibm", path) if ibm else None


def _below_base(path: str) -> str:
    return _PREFIX.sub("", path) or "/"
