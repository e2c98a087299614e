import pytest
from pydantic import ValidationError

from catalogue.schemas import NewItem


def test_a_name_is_trimmed() -> None:
    assert NewItem(category="garden", name="  Rake ").name == "Rake"


@pytest.mark.parametrize("name", ["", "   ", "…", "x" * 81])
def test_a_name_that_makes_no_slug_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="name"):
        NewItem(category="garden", name=name)
