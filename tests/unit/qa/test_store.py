import json
import re

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymilvus.exceptions import MilvusException

from glede.qa.store.base import Scope, StoreError, StoreUnavailableError
from glede.qa.store.expression import literal, range_expression, scope_expression
from glede.qa.store.patience import ask_again, is_transient


@given(st.text())
def test_a_literal_reads_back_as_its_value(value: str) -> None:
    quoted = literal(value)

    assert json.loads(quoted) == value
    assert re.fullmatch(r'"(?:[^"\\]|\\.)*"', quoted, re.DOTALL), "a quote that is not escaped"
    assert "\n" not in quoted


@pytest.mark.parametrize("value", [True, None, 1.5, ["x"], b"x"])
def test_only_text_and_whole_numbers_are_literals(value: object) -> None:
    with pytest.raises(TypeError, match=r"expected text or a whole number in a filter"):
        literal(value)  # type: ignore[arg-type]


def test_expressions() -> None:
    assert scope_expression(Scope("t")) == 'tenant == "t"'
    assert (
        scope_expression(Scope("t", ("a", 'b"')))
        == 'tenant == "t" and array_contains_any(tags, ["a", "b\\""])'
    )
    assert range_expression(3, 9) == "key >= 3 and key < 9"


class Failing:
    """Fails with the given errors in turn, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def test_a_short_answer_is_asked_for_again() -> None:
    answers = iter(["", "hal", "whole"])

    assert ask_again(lambda: next(answers), 5, lambda answer: answer != "whole") == "whole"


@pytest.mark.parametrize(
    "error",
    [MilvusException(503, "x"), MilvusException(65535, "channel not available"), MilvusException(106, "")],
)
def test_a_passing_refusal_is_tried_again(error: Exception) -> None:
    ask = Failing(error, error)

    assert ask_again(ask, 5) == "answer"
    assert ask.calls == 3


def test_a_lasting_refusal_is_raised_at_once() -> None:
    ask = Failing(MilvusException(1100, "invalid parameter"))

    with pytest.raises(StoreError, match=r"Milvus refused: .*invalid parameter") as caught:
        ask_again(ask, 5)

    assert ask.calls == 1
    assert not isinstance(caught.value, StoreUnavailableError)


def test_the_deadline_ends_it() -> None:
    with pytest.raises(StoreUnavailableError) as caught:
        ask_again(lambda: "", 0.2, lambda _: True)

    assert str(caught.value) == (
        "Milvus gave no complete answer within 0.2 s: "
        "the answer held fewer rows than the index has; try again"
    )


def test_errors_that_are_not_milvus_s_pass() -> None:
    with pytest.raises(KeyError):
        ask_again(Failing(KeyError("x")), 5)
    assert not is_transient(ValueError("not ready"))


class Rpc(grpc.RpcError):  # type: ignore[misc]
    def __init__(self, code: grpc.StatusCode) -> None:
        super().__init__("rpc")
        self._code = code

    def code(self) -> grpc.StatusCode:
        return self._code


def test_grpc_errors() -> None:
    assert is_transient(Rpc(grpc.StatusCode.UNAVAILABLE))
    assert not is_transient(Rpc(grpc.StatusCode.INVALID_ARGUMENT))
    assert ask_again(Failing(Rpc(grpc.StatusCode.UNAVAILABLE)), 5) == "answer"
