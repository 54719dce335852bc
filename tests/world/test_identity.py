"""Ids and seeds."""

from __future__ import annotations

import re
import subprocess
import sys
import uuid

import pytest

from pytest_qiskit_fakeruntime.world.identity import Identities

PRINT = """
from pytest_qiskit_fakeruntime.world.identity import Identities
ids = Identities({seed!r})
print([ids.job_id(), ids.job_id(), ids.uuid("session"), ids.uuid("trace"), ids.job_seed(1)])
"""


def sample(seed: int | str) -> list[object]:
    ids = Identities(seed)
    return [ids.job_id(), ids.job_id(), ids.uuid("session"), ids.uuid("trace"), ids.job_seed(1)]


@pytest.mark.parametrize("seed", [7, "tests/test_x.py::test_y"])
def test_same_seed_gives_the_same_in_another_process(seed: int | str) -> None:
    command = [sys.executable, "-c", PRINT.format(seed=seed)]
    other = subprocess.run(command, capture_output=True, text=True, check=True)

    assert other.stdout.strip() == repr(sample(seed))


def test_other_seed_gives_others() -> None:
    assert not set(map(str, sample(1))) & set(map(str, sample(2)))


def test_job_id_has_the_form_of_an_xid() -> None:
    ids = Identities(1)
    found = [ids.job_id() for _ in range(500)]

    assert all(re.fullmatch("[0-9a-v]{20}", job_id) for job_id in found)
    assert len(set(found)) == 500


def test_session_id_is_a_random_uuid() -> None:
    text = Identities(1).uuid("session")

    assert uuid.UUID(text).version == 4
    assert str(uuid.UUID(text)) == text


def test_purposes_count_apart() -> None:
    one, two = Identities(1), Identities(1)
    one.uuid("trace")

    assert one.job_id() == two.job_id()
    assert one.uuid("session") == two.uuid("session")


def test_seed_of_a_job_depends_on_its_number_only() -> None:
    one, two = Identities(1), Identities(1)
    one.job_id()

    assert [one.job_seed(n) for n in range(3)] == [two.job_seed(n) for n in range(3)]
    assert all(0 <= one.job_seed(n) < 2**31 for n in range(200))
