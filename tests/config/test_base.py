"""Settings: strict keys, typed values, nested overrides, names by content."""

from __future__ import annotations

import dataclasses
from typing import Literal

import pytest

from tf_medsynth.config.base import Config, Weights, check, fingerprint, parse_assignments
from tf_medsynth.types import MedSynthError


@dataclasses.dataclass(frozen=True)
class Inner(Config):
    low: int = 1
    high: int = 4

    def __post_init__(self) -> None:
        check("low lies below high", self.low < self.high, low=self.low, high=self.high)


@dataclasses.dataclass(frozen=True)
class Outer(Config):
    rate: float = 0.5
    count: int = 2
    plain: bool = False
    kind: Literal["a", "b"] = "a"
    pair: tuple[int, int] = (1, 2)
    many: tuple[float, ...] = (0.5,)
    table: tuple[tuple[int, int], ...] = ()
    optional: int | None = None
    inner: Inner = Inner()
    maybe: Inner | None = None


def test_an_error_states_rule_received_and_remedy_in_one_line():
    check("never seen", True)
    with pytest.raises(MedSynthError) as caught:
        check("count must be positive", False, "Choose 1.", count=-1, name="x\ny")
    assert str(caught.value) == "count must be positive. Received: count=-1, name='x\\ny'. Choose 1."
    assert isinstance(caught.value, ValueError)


def test_a_fingerprint_names_the_content():
    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    assert len({fingerprint(1), fingerprint("1"), fingerprint(1, 1), fingerprint([1, 1])}) == 4
    assert Outer().fingerprint() == Outer().fingerprint() != Outer(count=3).fingerprint()
    assert Inner().fingerprint() != fingerprint("Outer", Inner().to_dict())
    assert len(fingerprint()) == 16 and int(fingerprint(), 16) >= 0


def test_a_dictionary_gives_the_same_settings_back():
    settings = Outer(table=((1, 2), (3, 4)), optional=3, inner=Inner(2, 3), maybe=Inner(0, 1), kind="b")
    assert Outer.from_dict(settings.to_dict()) == settings
    assert settings.to_dict()["table"] == [[1, 2], [3, 4]]
    with pytest.raises(MedSynthError, match=r"unknown setting of Inner.*Known: high, low.*|middle"):
        Outer.from_dict({"inner": {"middle": 2}})


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("rate=1e-3", 1e-3),
        ("count=7", 7),
        ("plain=True", True),
        ("plain=no", False),
        ("kind=b", "b"),
        ("pair=3,4", (3, 4)),
        ("many=1,2.5,3", (1.0, 2.5, 3.0)),
        ("optional=5", 5),
        ("optional=none", None),
    ],
)
def test_words_are_read_as_the_field_s_type(word, value):
    changed = Outer(optional=1).override(parse_assignments([word]))
    name = word.split("=")[0]
    assert getattr(changed, name) == value and type(getattr(changed, name)) is type(value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"colour": "red"}, r"unknown setting of Outer.*Known: count, inner.*"),
        ({"inner.middle": "1"}, r"unknown setting of Inner.*key='middle'"),
        ({"rate.deep": "1"}, r"only a group of settings has a dotted part, 'rate'.*key='rate.deep'"),
        ({"maybe.low": "1"}, "only a group of settings"),
        ({"count": "1.5"}, "count must be of type int"),
        ({"count": 1.5}, "count must be of type int"),
        ({"count": "many"}, "count must be of type int"),
        ({"plain": "perhaps"}, "plain must be true or false"),
        ({"kind": "c"}, "kind must be one of a, b"),
        ({"pair": "1,2,3"}, "pair takes 2 comma-separated values"),
        ({"inner.low": "9"}, r"low lies below high\. Received: low=9, high=4"),
    ],
)
def test_what_does_not_fit_is_refused(values, message):
    with pytest.raises(MedSynthError, match=message):
        Outer().override(values)


def test_rules_hold_for_the_result_of_an_override_not_on_the_way():
    for values in ({"inner.low": 7, "inner.high": 9}, {"inner.high": 9, "inner.low": 7}):
        assert Outer().override(values).inner == Inner(7, 9)
    replaced = Outer().override({"inner": Inner(20, 30), "inner.low": "25"})
    assert replaced.inner == Inner(25, 30)


def test_settings_are_frozen_and_an_override_is_a_copy():
    settings = Outer()
    changed = settings.override({"inner.low": 2, "count": 3})
    assert (settings, changed) == (Outer(), Outer(count=3, inner=Inner(2, 4)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.count = 5


def test_assignments_are_key_and_value():
    assert parse_assignments(["a.b=1", "c=x=y", "d="]) == {"a.b": "1", "c": "x=y", "d": ""}
    for word in ("a", "=1", ""):
        with pytest.raises(MedSynthError, match="--set takes key=value"):
            parse_assignments([word])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "-inf", "nan", "1e400"])
def test_a_number_is_finite(value):
    with pytest.raises(MedSynthError, match="rate must be a finite number"):
        Outer().override({"rate": value})
    with pytest.raises(MedSynthError, match="many must be a finite number"):
        Outer.from_dict({"many": [0.5, value]})


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ([1], "settings of Outer are an object"),
        ({"inner": "x"}, "settings of Inner are an object"),
        ({"pair": 7}, "pair takes several values"),
        ({"pair": {"a": 1, "b": 2}}, "pair takes several values"),
        ({"count": [3]}, "count must be of type int"),
        ({"count": None}, "count must be of type int"),
        ({"kind": ["a"]}, "kind must be one of a, b"),
        ({"rate": {}}, "rate must be of type float"),
    ],
    ids=str,
)
def test_a_dictionary_of_other_types_is_refused_by_the_setting_s_name(values, rule):
    with pytest.raises(MedSynthError, match=rule):
        Outer.from_dict(values)


def test_a_weight_is_not_negative():
    @dataclasses.dataclass(frozen=True)
    class Two(Weights):
        real: float = 1.0
        fake: float = 0.0

    with pytest.raises(MedSynthError, match=r"a weight must not be negative\. Received: weights\.fake=-1\.0"):
        Two().override({"fake": "-1"})
