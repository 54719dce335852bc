"""Patches that are shared, renewed and undone, whatever others do to the same attribute."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_qiskit_fakeruntime.intercept.patches import Patches, Replacement


class Base:
    def ask(self) -> str:
        return "base"


class Thing(Base):
    pass


def doubting(original: Callable[..., str]) -> Callable[..., str]:
    def ask(self: Any) -> str:
        return f"{original(self)}?"

    return ask


def wanted() -> Iterator[Replacement]:
    yield Thing, "ask", doubting(Thing.ask)


@pytest.fixture
def patches() -> Iterator[Patches[str]]:
    patches: Patches[str] = Patches(wanted)
    yield patches
    assert "ask" not in vars(Thing)


def test_patches_hold_from_the_first_user_to_the_last(patches: Patches[str]) -> None:
    patches.add("one")
    patches.add("two")
    assert Thing().ask() == "base?"
    patches.remove("one")
    assert (Thing().ask(), patches.users) == ("base?", ("two",))
    patches.remove("one")
    assert Thing().ask() == "base?"
    patches.remove("two")
    assert Thing().ask() == "base"
    patches.remove("two")


def test_what_was_defined_is_put_back(patches: Patches[str]) -> None:
    def mine(self: Any) -> str:
        return "mine"

    Thing.ask = mine  # type: ignore[method-assign]
    patches.add("one")
    assert Thing().ask() == "mine?"
    patches.remove("one")
    assert vars(Thing)["ask"] is mine
    del Thing.ask


def test_who_patches_on_top_undoes_it_alone(patches: Patches[str]) -> None:
    patches.add("one")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Thing, "ask", lambda self: "theirs")
        patches.remove("one")
        assert Thing().ask() == "theirs"
    assert Thing().ask() == "base?"  # what they found
    del Thing.ask


def test_renewal_goes_on_top_of_what_others_put_there(patches: Patches[str]) -> None:
    patches.renew()
    assert Thing().ask() == "base"
    patches.add("one")
    patches.renew()
    assert Thing().ask() == "base?"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Thing, "ask", lambda self: "theirs")
        patches.renew()
        assert Thing().ask() == "theirs?"
        patches.renew()
        assert Thing().ask() == "theirs?"
    assert Thing().ask() == "base?"
    patches.remove("one")
    assert Thing().ask() == "base"


def test_renewal_after_others_have_reset_again_and_again(patches: Patches[str]) -> None:
    patches.add("one")
    for _ in range(3):
        Thing.ask = Base.ask  # type: ignore[method-assign]
        patches.renew()
        assert Thing().ask() == "base?"
    assert len(patches._made) == 2  # that they had inherited it is no longer so
    patches.remove("one")
    assert vars(Thing)["ask"] is Base.ask
    del Thing.ask
