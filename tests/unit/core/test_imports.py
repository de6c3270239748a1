"""What counts as absent must do so within the block only, and what is loaded stays loaded."""

import importlib
import json
import sys

import pytest

from alphaforge.core.imports import taken_for_absent


def test_a_module_is_not_found_within_the_block_and_found_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with taken_for_absent("colorsys"), pytest.raises(ImportError):
        importlib.import_module("colorsys")
    assert importlib.import_module("colorsys").__name__ == "colorsys"


def test_a_module_that_is_loaded_already_is_left_alone() -> None:
    with taken_for_absent("json"):
        assert sys.modules["json"] is json
    assert sys.modules["json"] is json


def test_a_name_is_free_again_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with pytest.raises(ValueError, match="broken"), taken_for_absent("colorsys"):
        raise ValueError("broken")
    assert "colorsys" not in sys.modules
